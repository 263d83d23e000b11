import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../core/ports.ts";
import { cached, keyOf } from "./cached.ts";
import { runCommand } from "./command.ts";

/**
 * A package as the building machine's apt knows it; `file` is its name in the cache, `hash` the checksum that apt
 * verifies.
 */
export type DebianPackage = { readonly name: string; readonly file: string; readonly hash: string };

/** Keeps apt from changing to a user who cannot write into the cache. */
const asRoot = ["-o", "APT::Sandbox::User=root"] as const;

/** Asks apt for the newest versions, without downloading anything. */
export async function resolvePackages(names: readonly string[]): Promise<readonly DebianPackage[]> {
  const output = await runCommand(["apt-get", ...asRoot, "download", "--print-uris", ...names]).catch((cause) => {
    throw new Error("apt does not know all packages of the Bootstrap Image; run `apt-get update` and try again", {
      cause,
    });
  });
  // 'http://…/busybox_1.35.0-4_amd64.deb' busybox_1%3a1.35.0-4_amd64.deb 452000 SHA256:…
  return [...output.toString().matchAll(/^'[^']+' (([^_ ]+)_\S+\.deb) \d+ (\S+)$/gm)].map(
    ([, file = "", name = "", hash = ""]) => ({ name, file, hash }),
  );
}

/** The package that a meta package currently depends on, e.g. linux-image-6.1.0-56-amd64. */
export async function dependencyOf(metaPackage: string): Promise<string> {
  const output = await runCommand(["apt-cache", "depends", "--important", metaPackage]);
  const name = /^\s*Depends: (\S+)$/m.exec(output.toString())?.[1];
  if (name === undefined)
    throw new Error(`apt lists no dependency of ${metaPackage}; run \`apt-get update\` and try again`);
  return name;
}

/** Downloads a package into the cache unless it is there, and returns the path of its file. */
async function download(debian: DebianPackage, cacheDirectory: string, log: Log): Promise<string> {
  const directory = await cached(cacheDirectory, `deb-${keyOf([debian.file, debian.hash])}`, async (draft) => {
    log("info", "downloading a Debian package", { package: debian.name });
    await runCommand(["apt-get", ...asRoot, "-q", "download", debian.name], { cwd: draft }).catch((cause) => {
      const next = "check that Debian's mirror can be reached, or run `apt-get update`";
      throw new Error(`downloading the Debian package ${debian.name} failed; ${next}`, { cause });
    });
    const [file] = await readdir(draft);
    if (file === undefined) throw new Error(`apt-get download ${debian.name}: expected a .deb file, found none`);
    if (file !== debian.file) await rename(join(draft, file), join(draft, debian.file));
  });
  return join(directory, debian.file);
}

/** Unpacks packages into one directory tree, without installing them or running their scripts. */
export async function unpackPackages(
  packages: readonly DebianPackage[],
  directory: string,
  { cacheDirectory, log }: { readonly cacheDirectory: string; readonly log: Log },
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const debian of packages) {
    await runCommand(["dpkg-deb", "-x", await download(debian, cacheDirectory, log), directory]);
  }
}

/** Identifies a set of packages at their versions. */
export function packagesKey(packages: readonly DebianPackage[]): string {
  return keyOf(packages.flatMap(({ file, hash }) => [file, hash]));
}
