import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../core/ports.ts";
import { cached, keyOf } from "../cached.ts";
import { type Apt, prepareApt } from "./apt.ts";
import { type DebianRelease, debianReleases } from "./releases.ts";

/** A source package of a Debian release at the version that Birther was tested with. */
export type DebianSource = { readonly name: string; readonly version: string; readonly release: DebianRelease };

/** Where apt keeps its lists, below the directory that it unpacks to. */
const aptDirectory = "apt";

/** An unpacked source package; `version` is the one that was fetched. */
export type UnpackedSource = DebianSource & { readonly directory: string };

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
    log("info", "fetching source from Debian", { release: debianReleases[release].title, package: name, version });
    const apt = await prepareApt(join(draft, aptDirectory), release, "sources");
    const wanted = `${name}=${await availableVersion(apt, source, log)}`;
    await apt("apt-get", ["--quiet", "source", wanted], { cwd: draft }).catch(explain(source));
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

/** The version to take: the wanted one, or what the archive has instead. */
async function availableVersion(apt: Apt, source: DebianSource, log: Log): Promise<string> {
  const { name, version, release } = source;
  const records = (await apt("apt-cache", ["showsrc", "--only-source", name]).catch(explain(source))).toString();
  const versions = [...records.matchAll(/^Version: (\S+)$/gm)].map(([, found = ""]) => found);
  if (versions.includes(version)) return version;
  const [other] = versions;
  if (other === undefined)
    throw new Error(`${debianReleases[release].title}: expected a source package ${name}, found none`);
  log("warn", "Debian has replaced a source package", {
    ...{ release: debianReleases[release].title, package: name, expected: version, found: other },
  });
  return other;
}

function explain({ name, version }: DebianSource) {
  return (cause: unknown): never => {
    throw new Error(`cannot fetch the source of ${name} ${version}; check that Debian can be reached`, { cause });
  };
}
