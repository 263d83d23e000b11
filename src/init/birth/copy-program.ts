import { readLibraries } from "../../core/install/libraries.ts";
import { copyFile, makeDirectories } from "../system/files.ts";
import { runOrThrow } from "../system/run.ts";

/** Debian's dynamic loader, which also lists a program's libraries (ld.so(8) `--list`). */
const loader = "/lib64/ld-linux-x86-64.so.2";

/** Copies a program to `to`/bin, and its loader and libraries to `to`/lib. */
export function copyProgram(program: string, to: string): void {
  makeDirectories(`${to}/bin`);
  makeDirectories(`${to}/lib`);
  copyFile(program, `${to}/bin/${nameOf(program)}`, 0o755);
  const libraries = readLibraries(runOrThrow([loader, "--list", program]));
  for (const library of new Set([loader, ...libraries])) copyFile(library, `${to}/lib/${nameOf(library)}`, 0o755);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
