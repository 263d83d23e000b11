import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The minimum that counts as a system that a machine could start (core/image/system-check.ts). */
const paths = [
  "boot/vmlinuz-6",
  "boot/initrd.img-6",
  "bin/sh",
  "sbin/init",
  "lib64/ld-linux-x86-64.so.2",
  "usr/lib/systemd/systemd",
  "usr/lib/os-release",
];

/** Paths that `drawWholeSystem` makes, directories included; 1 byte in each file, the same in all. */
export const wholeSystemPaths = 14;

/** Writes the minimum that counts as a whole system into a directory, so that an image of it can be imported. */
export function drawWholeSystem(directory: string): void {
  for (const path of paths) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), "x");
  }
}
