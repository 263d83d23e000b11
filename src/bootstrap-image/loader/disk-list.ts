import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cached, keyOf } from "../cached.ts";
import { runCommand } from "../command.ts";

const source = join(import.meta.dirname, "disk-list.c");

/** No code of the compiler's own, no addresses that would have to be relocated, and no stack below the pointer: interrupts use it. */
const compile = [
  ...["-Os", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-builtin", "-fpie", "-fvisibility=hidden"],
  ...["-mno-red-zone", "-mgeneral-regs-only", "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-ident"],
] as const;
/** An image of subsystem 10, EFI application (UEFI 2.10 §2.1.1), with the same bytes from every build. */
const link = [
  ...["-m", "i386pep", "--oformat", "pei-x86-64", "--subsystem", "10", "-e", "efi_main", "-s"],
  ...["--image-base", "0", "--dynamicbase", "--no-insert-timestamp"],
] as const;

/** Builds disk-list.efi (disk-list.c) with the building computer's compiler; returns its path. */
export async function buildDiskList(cacheDirectory: string): Promise<string> {
  const key = keyOf([await readFile(source), ...compile, ...link]);
  const directory = await cached(cacheDirectory, `disk-list-${key}`, async (draft) => {
    const object = join(draft, "disk-list.o");
    const program = join(draft, "disk-list.efi");
    await runCommand(["gcc", ...compile, "-c", source, "-o", object]);
    await runCommand(["ld", ...link, object, "-o", program]);
  });
  return join(directory, "disk-list.efi");
}
