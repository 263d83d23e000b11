import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultArchitecture, type MachineArchitecture } from "../../core/machine/architecture.ts";
import type { Log } from "../../core/ports.ts";
import { cached, keyOf } from "../cached.ts";
import { runCommand } from "../command.ts";
import { type DebianRelease, debianReleases } from "./releases.ts";

const mirror = "http://deb.debian.org/debian";
const securityMirror = "http://deb.debian.org/debian-security";
const dayMs = 24 * 3_600_000;

/** Runs a program of apt with lists and sources of its own: this computer's are neither read nor changed. */
export type Apt = (
  program: "apt-get" | "apt-cache",
  words: readonly string[],
  options?: { readonly cwd: string },
) => Promise<Buffer>;

/** A release's own key. Debian 12 has those of Debian 13 since debian-archive-keyring 2023.3+deb12u2. */
function signingKey(release: DebianRelease, part: "" | "-security" = ""): string {
  const key = `/usr/share/keyrings/debian-archive-${release}${part}-automatic.gpg`;
  if (existsSync(key)) return key;
  const { title } = debianReleases[release];
  throw new Error(
    `${key}: expected a key of ${title}, found no file; run \`apt-get install debian-archive-keyring\` to get version ` +
      "2023.3+deb12u2 or later",
  );
}

/**
 * Lines of sources.list(5): source packages, or packages with their fixes and backports, which apt takes only when told to;
 * firmware has lists of its own, so that nothing else is ever taken from there.
 */
const sourceLines = {
  sources: (release: DebianRelease) => [`deb-src [signed-by=${signingKey(release)}] ${mirror} ${release} main`],
  packages: (release: DebianRelease) => packageLines(release, "main"),
  firmware: (release: DebianRelease) => packageLines(release, "non-free-firmware"),
} as const;

function packageLines(release: DebianRelease, component: "main" | "non-free-firmware"): readonly string[] {
  return [
    `deb [signed-by=${signingKey(release)}] ${mirror} ${release} ${component}`,
    `deb [signed-by=${signingKey(release)}] ${mirror} ${release}-updates ${component}`,
    `deb [signed-by=${signingKey(release, "-security")}] ${securityMirror} ${release}-security ${component}`,
    `deb [signed-by=${signingKey(release)}] ${mirror} ${release}-backports ${component}`,
  ];
}

/** Which of a release's packages: the free ones, or firmware. */
export type PackageKind = "packages" | "firmware";

/** How the lists of each kind are called in the cache: neither is the beginning of the other's names. */
const listNames = { packages: "apt", firmware: "firmware-apt" } as const;

/** apt that also keeps its answers about a day's packages beside the lists: apt itself reads 20 MB for each. */
export type PackageLists = { readonly apt: Apt; readonly ask: (...words: Parameters<Apt>) => Promise<string> };

function listsIn(directory: string, architecture: MachineArchitecture): PackageLists {
  const apt = aptIn(directory, architecture);
  const ask = async (...[program, words]: Parameters<Apt>) => {
    const place = await cached(join(directory, "answers"), keyOf([program, ...words]), async (draft) =>
      writeFile(join(draft, "answer"), await apt(program, words)),
    );
    return await readFile(join(place, "answer"), "utf8");
  };
  return { apt, ask };
}

/** apt in a directory that `prepareApt` has filled. It writes nothing there. */
function aptIn(directory: string, architecture: MachineArchitecture): Apt {
  const settings = {
    "Dir::Etc::sourcelist": join(directory, "sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    // Neither this computer's preferences nor its packages.
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
    "Dir::State::status": "/dev/null",
    "Dir::State::lists": join(directory, "lists"),
    "Dir::Cache": join(directory, "cache"),
    "Dir::Cache::pkgcache": "",
    "Dir::Cache::srcpkgcache": "",
    // Keeps apt from changing to a user who cannot write here.
    "APT::Sandbox::User": "root",
    "APT::Architecture": architecture,
    // Not those that were added to this computer.
    "APT::Architectures": architecture,
    "Acquire::Languages": "none",
  };
  const own = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return (program, words, options = { cwd: directory }) => runCommand([program, ...own, ...words], options);
}

/**
 * Fills a directory with the lists of a release, and returns apt that knows them. apt verifies Debian's signature over the
 * lists, and the lists' hashes over each package. Throws if Debian cannot be reached.
 */
export async function prepareApt(
  directory: string,
  release: DebianRelease,
  kind: keyof typeof sourceLines,
  architecture: MachineArchitecture = defaultArchitecture,
): Promise<Apt> {
  await mkdir(join(directory, "lists/partial"), { recursive: true });
  await mkdir(join(directory, "cache/archives/partial"), { recursive: true });
  await writeFile(
    join(directory, "sources.list"),
    sourceLines[kind](release)
      .map((line) => `${line}\n`)
      .join(""),
  );
  const apt = aptIn(directory, architecture);
  await apt("apt-get", ["--quiet", "update", "--error-on=any"]).catch((cause: unknown) => {
    const { title } = debianReleases[release];
    throw new Error(`cannot read the lists of ${title}; check that ${mirror} can be reached`, { cause });
  });
  return apt;
}

/**
 * What apt knows of a release's packages as of today, or with `renew` as of now. The lists of a day are read once, into the
 * cache. Where Debian cannot be reached, earlier ones serve, and the log says so.
 */
export async function openApt(
  release: DebianRelease,
  options: {
    readonly cacheDirectory: string;
    readonly log: Log;
    readonly architecture?: MachineArchitecture;
    readonly renew?: boolean;
    readonly kind?: PackageKind;
  },
  nowMs = Date.now(),
): Promise<PackageLists> {
  const { cacheDirectory, log, architecture = defaultArchitecture, renew = false, kind = "packages" } = options;
  const ofArchitecture = architecture === defaultArchitecture ? "" : `${architecture}-`;
  const prefix = `${listNames[kind]}-${ofArchitecture}${release}-`;
  // In the order of time: apt-trixie-2026-11-29, apt-trixie-2026-11-29T104500; of another architecture apt-arm64-trixie-…
  const nameAt = (ms: number, length: number) =>
    `${prefix}${new Date(ms).toISOString().replaceAll(":", "").slice(0, length)}`;
  const [today, now] = [nameAt(nowMs, 10), nameAt(nowMs, 17)];
  const existing = async () => {
    const names = await readdir(cacheDirectory).catch(() => []);
    return names.filter((name) => name.startsWith(prefix) && !name.includes(".draft-")).sort();
  };
  const last = (await existing()).at(-1);
  if (!renew && last !== undefined && last >= today) return listsIn(join(cacheDirectory, last), architecture);
  try {
    const directory = await cached(cacheDirectory, renew ? now : today, async (draft) => {
      log("info", "reading Debian's lists of packages", { release: debianReleases[release].title, kind, architecture });
      await prepareApt(draft, release, kind, architecture);
    });
    // Yesterday's are kept: another process may have begun with them.
    for (const name of await existing())
      if (name < nameAt(nowMs - dayMs, 10)) await rm(join(cacheDirectory, name), { recursive: true, force: true });
    return listsIn(directory, architecture);
  } catch (cause) {
    if (last === undefined || renew) throw cause;
    log("warn", "Debian's lists cannot be read; earlier ones serve", { lists: last, cause: String(cause) });
    return listsIn(join(cacheDirectory, last), architecture);
  }
}
