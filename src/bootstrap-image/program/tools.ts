import { readFile, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { CpioEntry } from "../../core/bytes/cpio.ts";
import { inTree } from "../debian/tree.ts";
import { type Target, targets } from "../target.ts";
import { neededLibraries } from "./elf.ts";

/** Programs of the image from Debian's packages, at the same place there. */
const programs = [
  "usr/sbin/sfdisk",
  "usr/sbin/mke2fs",
  "usr/sbin/mkfs.fat",
  "usr/sbin/mkfs.xfs",
  "usr/bin/busybox",
] as const;

/** Other names of programs; the kernel itself calls /sbin/modprobe for file systems and ciphers. */
const links = [
  { path: "usr/sbin/mkfs.ext4", target: "mke2fs" },
  { path: "usr/sbin/mkfs.vfat", target: "mkfs.fat" },
  { path: "usr/sbin/modprobe", target: "../bin/busybox" },
  { path: "usr/bin/sh", target: "busybox" },
  // One /usr, as in current Debian, so that /sbin/x and /usr/sbin/x are the same.
  { path: "bin", target: "usr/bin" },
  { path: "sbin", target: "usr/sbin" },
  { path: "lib", target: "usr/lib" },
  { path: "lib64", target: "usr/lib64" },
] as const;

/** Busybox commands for a person at the console of a waiting machine. */
const consoleWords = [
  ...["cat", "chmod", "cp", "date", "dd", "df", "dmesg", "du", "find", "free", "grep", "head", "hexdump", "ip", "kill"],
  ...["less", "ln", "ls", "lsmod", "mkdir", "mount", "mv", "ping", "ps", "rm", "sed", "sleep", "sync", "tail", "top"],
  ...["umount", "uname", "vi", "wc", "wget"],
] as const;

const configuration = ["etc/mke2fs.conf"] as const;

const libraryDirectory = ({ triplet }: Target) => `usr/lib/${triplet}`;

/** The dynamic loader of an unpacked tree. */
const loaderIn = (tree: string, target: Target): string =>
  inTree(tree, `${libraryDirectory(target)}/${target.loader.name}`);

/** The words that run a program of an unpacked tree on the building computer, with the tree's own libraries (ld.so(8)). */
export function runInTree(tree: string): readonly [string, ...string[]] {
  const own = libraryDirectory(targets.amd64);
  const path = [own, own.replace("usr/", "")].map((directory) => join(tree, directory)).join(":");
  return [loaderIn(tree, targets.amd64), "--library-path", path];
}

/** An unpacked tree, and what its programs run on. */
export type ProgramTree = { readonly tree: string; readonly target: Target };

async function findLibrary({ tree, target }: ProgramTree, name: string, neededBy: string): Promise<string> {
  const path = inTree(tree, `${libraryDirectory(target)}/${name}`);
  if ((await stat(path).catch(() => undefined)) !== undefined) return realpath(path);
  throw new Error(
    `${neededBy} needs ${name}: expected it in a package of debian/releases.ts, found it in none; add its package there`,
  );
}

/** The shared libraries of an unpacked tree that a program needs, directly or indirectly: name → path. */
export async function libraryClosure(of: ProgramTree, program: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  async function follow(path: string): Promise<void> {
    for (const name of neededLibraries(await readFile(path)) ?? []) {
      if (name === of.target.loader.name || found.has(name)) continue;
      const library = await findLibrary(of, name, basename(path));
      found.set(name, library);
      await follow(library);
    }
  }
  await follow(await realpath(program));
  return found;
}

/**
 * Programs of Debian's packages, and those that were built with the headers of its release (path in the image → file); their
 * libraries, the loader, and links.
 */
export async function toolEntries(of: ProgramTree, built: ReadonlyMap<string, string>): Promise<readonly CpioEntry[]> {
  const { tree, target } = of;
  const all = new Map([...programs.map((path) => [path, inTree(tree, path)] as const), ...built]);
  const libraries = new Map<string, string>();
  for (const program of all.values())
    for (const [name, path] of await libraryClosure(of, program)) libraries.set(name, path);
  const file = async (from: string, path: string, mode = 0o755): Promise<CpioEntry> => ({
    kind: "file",
    path,
    mode,
    bytes: await readFile(from),
  });
  return [
    ...links.map(({ path, target }): CpioEntry => ({ kind: "link", path, target })),
    ...consoleWords.map((word): CpioEntry => ({ kind: "link", path: `usr/bin/${word}`, target: "busybox" })),
    ...(await Promise.all([...all].map(([path, from]) => file(from, path)))),
    ...(await Promise.all(
      [...libraries].map(([name, path]) => file(path, `${libraryDirectory(target)}/${name}`, 0o644)),
    )),
    ...(await Promise.all(configuration.map((path) => file(join(tree, path), path, 0o644)))),
    await file(await realpath(loaderIn(tree, target)), `${target.loader.directory}/${target.loader.name}`),
  ];
}
