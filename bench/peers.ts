import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { glob, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Where the peers' packages are unpacked: nothing is installed, so none of their services ever starts. */
const directory = join(import.meta.dirname, "../build/bench");
const root = join(directory, "peers");
const libraries = "usr/lib/x86_64-linux-gnu";

/** Environment in which unpacked programs find their libraries. */
export const peerEnvironment = { LD_LIBRARY_PATH: join(root, libraries) };

/** Path of a peer's program; throws when no package contains it. */
export function peerProgram(name: string): string {
  const paths = [join(root, "usr/sbin"), join(root, "usr/bin"), "/usr/sbin", "/usr/bin"];
  const found = paths.map((place) => join(place, name)).find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(
      `${name}: expected it in the unpacked packages or installed, found neither; try apt-cache search ${name}`,
    );
  return found;
}

/** Downloads and unpacks Debian packages and their dependencies, unless all `programs` exist. */
export async function preparePeers(packages: readonly string[], programs: readonly string[]): Promise<void> {
  if (programs.every((name) => isThere(name))) return;
  const archives = join(directory, "archives");
  await mkdir(join(archives, "partial"), { recursive: true });
  await mkdir(root, { recursive: true });
  // Only downloads, into our own directory: no lock is needed and nothing is configured.
  const options = ["Debug::NoLocking=1", `Dir::Cache::archives=${archives}`, "APT::Sandbox::User=root"];
  const install = ["--yes", "--quiet", "--download-only", "--no-install-recommends", "install", ...packages];
  await execute("apt-get", [...options.flatMap((option) => ["-o", option]), ...install]).catch((cause: unknown) => {
    throw new Error(`downloading ${packages.join(" ")} failed; run apt-get update, then try again`, { cause });
  });
  for await (const archive of glob(join(archives, "*.deb"))) await execute("dpkg-deb", ["-x", archive, root]);
  for (const name of programs) peerProgram(name);
}

function isThere(name: string): boolean {
  try {
    return peerProgram(name) !== "";
  } catch {
    return false;
  }
}
