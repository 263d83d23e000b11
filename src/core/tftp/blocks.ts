/** Opcode and block number in front of the data of a block (RFC 1350 §5). */
export const blockHeaderBytes = 4;

/** The header of a block, counted from 1: only the lower 16 bits travel, 65535 is followed by 0 (netboot.md T7, F6). */
export function writeBlockHeader(block: number): Uint8Array {
  return Uint8Array.of(0, 3, (block >> 8) & 255, block & 255);
}

/** Where in its file a block's data begins, counted from 1, and how long it is: all are full but for the last one. */
export function placeOfBlock(
  fileBytes: number,
  blockBytes: number,
  block: number,
): { readonly at: number; readonly length: number } {
  const at = (block - 1) * blockBytes;
  return { at, length: Math.max(0, Math.min(blockBytes, fileBytes - at)) };
}
