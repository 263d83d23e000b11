import { closeSync, fsyncSync, openSync } from "node:fs";

/** Writes the names in a directory to the disk: only then a rename in it survives a power cut (rename(2), fsync(2)). */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
