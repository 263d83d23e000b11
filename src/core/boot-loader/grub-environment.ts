import { decodeUtf8, encodeUtf8 } from "../bytes/utf8.ts";

/** GRUB's environment block (grub/lib/envblk.h): a header, lines `NAME=VALUE`, and padding to its fixed size. */
const header = "# GRUB Environment Block\n";

/** The size of the block: GRUB and the agent write it in place, so that it never grows and never moves. */
export const environmentBytes = 1024;

/** Writes a block with one variable; its line is in the first sector, so that a power cut leaves the old or the new one. */
export function grubEnvironment(name: string, value: string): Uint8Array {
  const block = new Uint8Array(environmentBytes).fill("#".charCodeAt(0));
  block.set(encodeUtf8(`${header}${name}=${value}\n`));
  return block;
}

/** Reads a variable; empty if the block lacks it or is none. */
export function readGrubEnvironment(block: Uint8Array, name: string): string {
  const text = decodeUtf8(block);
  if (!text.startsWith(header)) return "";
  const line = text.split("\n").find((each) => each.startsWith(`${name}=`));
  return line === undefined ? "" : line.slice(name.length + 1);
}
