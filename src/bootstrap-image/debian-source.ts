import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../core/ports.ts";
import { cached, keyOf } from "./cached.ts";
import { runCommand } from "./command.ts";

/** A source package of a Debian release at the version that Birther was tested with. */
export type DebianSource = { readonly name: string; readonly version: string; readonly release: keyof typeof releases };

/** Names of releases in the archive, with their numbers. */
const releases = { bookworm: "Debian 12", trixie: "Debian 13" } as const;

/** An unpacked source package; `version` is the one that was fetched. */
export type UnpackedSource = DebianSource & { readonly directory: string };

const mirror = "http://deb.debian.org/debian";

/** A release's own key. Debian 12 has that of Debian 13 since debian-archive-keyring 2023.3+deb12u2. */
const keyringOf = (release: keyof typeof releases) => `/usr/share/keyrings/debian-archive-${release}-automatic.gpg`;

/** Where apt keeps its lists, below the directory that it unpacks to. */
const aptDirectory = "apt";

/** Options that give apt a world of its own in `directory`: this computer's lists and sources are not touched. */
function ownApt(directory: string): readonly string[] {
  const settings = {
    "Dir::Etc::sourcelist": join(directory, "sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State::lists": join(directory, "lists"),
    "Dir::Cache": join(directory, "cache"),
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/**
 * A source package, unpacked and with Debian's patches applied, from the cache if it was fetched before. apt verifies
 * Debian's signature over the index, and the hashes of the index over the files. Debian replaces a version only by a fix
 * of the same release, and then keeps no older one: the fix is taken, and the log says so.
 */
export async function fetchSource(
  source: DebianSource,
  { cacheDirectory, log }: { readonly cacheDirectory: string; readonly log: Log },
): Promise<UnpackedSource> {
  const { name, version, release } = source;
  const place = await cached(cacheDirectory, `source-${name}-${keyOf([name, version, release])}`, async (draft) => {
    log("info", "fetching source from Debian", { release: releases[release], package: name, version });
    const apt = await prepareApt(draft, release);
    const wanted = `${name}=${await availableVersion(apt, source, log)}`;
    await apt("apt-get", ["--quiet", "source", wanted]).catch(explain(source));
    const unpacked = (await readdir(draft, { withFileTypes: true })).find(
      (entry) => entry.isDirectory() && entry.name.startsWith(`${name}-`),
    );
    if (unpacked === undefined) throw new Error(`apt-get source ${name}: expected a directory of its name, found none`);
    await rename(join(draft, unpacked.name), join(draft, "source"));
    await rm(join(draft, aptDirectory), { recursive: true });
  });
  const directory = join(place, "source");
  return { name, release, version: versionOf(await readFile(join(directory, "debian/changelog"), "utf8")), directory };
}

/** The newest version in a Debian changelog, such as 2025.04.26-1 (deb-changelog(5)); throws if it has none. */
export function versionOf(changelog: string): string {
  const version = /^\S+ \(([^)]+)\)/.exec(changelog)?.[1];
  if (version === undefined) throw new Error(`debian/changelog: expected a version, found ${changelog.slice(0, 80)}`);
  return version;
}

type Apt = (program: "apt-get" | "apt-cache", words: readonly string[]) => Promise<Buffer>;

/** apt with lists and sources of its own below `directory`, where it unpacks too. */
async function prepareApt(directory: string, release: keyof typeof releases): Promise<Apt> {
  const keyring = keyringOf(release);
  if (!existsSync(keyring)) {
    throw new Error(
      `${keyring}: expected the key of ${releases[release]}, found no file; run \`apt-get install debian-archive-keyring\` to get ` +
        "version 2023.3+deb12u2 or later",
    );
  }
  const own = join(directory, aptDirectory);
  await mkdir(join(own, "lists/partial"), { recursive: true });
  await mkdir(join(own, "cache/archives/partial"), { recursive: true });
  await writeFile(join(own, "sources.list"), `deb-src [signed-by=${keyring}] ${mirror} ${release} main\n`);
  return (program, words) => runCommand([program, ...ownApt(own), ...words], { cwd: directory });
}

/** The version to take: the wanted one, or what the archive has instead. */
async function availableVersion(apt: Apt, source: DebianSource, log: Log): Promise<string> {
  const { name, version, release } = source;
  await apt("apt-get", ["--quiet", "update", "--error-on=any"]).catch(explain(source));
  const records = (await apt("apt-cache", ["showsrc", "--only-source", name]).catch(explain(source))).toString();
  const versions = [...records.matchAll(/^Version: (\S+)$/gm)].map(([, found = ""]) => found);
  if (versions.includes(version)) return version;
  const [other] = versions;
  if (other === undefined) throw new Error(`${mirror} ${release}: expected a source package ${name}, found none`);
  log("warn", "Debian has replaced a source package", {
    ...{ release: releases[release], package: name, expected: version, found: other },
  });
  return other;
}

function explain({ name, version }: DebianSource) {
  return (cause: unknown): never => {
    throw new Error(`cannot fetch the source of ${name} ${version}; check that ${mirror} can be reached`, { cause });
  };
}
