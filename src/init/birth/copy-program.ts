import * as host from "host";
import { readLibraries } from "../../core/install/libraries.ts";
import { copyFile, makeDirectories } from "../system/files.ts";
import { runOrThrow } from "../system/run.ts";

/** Debian's dynamic loader, which also lists a program's libraries (ld.so(8) `--list`). */
const loaders = { amd64: "/lib64/ld-linux-x86-64.so.2", arm64: "/lib/ld-linux-aarch64.so.1" } as const;

/** Copies a program to `to`/bin, and its loader and libraries to `to`/lib. */
export function copyProgram(program: string, to: string): void {
  const loader = loaders[host.architecture()];
  makeDirectories(`${to}/bin`);
  makeDirectories(`${to}/lib`);
  copyFile(program, `${to}/bin/${nameOf(program)}`, 0o755);
  const libraries = readLibraries(runOrThrow([loader, "--list", program]));
  for (const library of new Set([loader, ...libraries])) copyFile(library, `${to}/lib/${nameOf(library)}`, 0o755);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
