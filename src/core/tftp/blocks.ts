/** Opcode and block number in front of the data of a block (RFC 1350 §5). */
export const blockHeaderBytes = 4;

/** The header of a block, counted from 1: the wire carries only the lower 16 bits, and 0 follows 65535 (netboot.md T7, F6). */
export function writeBlockHeader(block: number): Uint8Array {
  return Uint8Array.of(0, 3, (block >> 8) & 255, block & 255);
}

/** The offset and length of a block (counted from 1) in its file: all blocks except the last are full. */
export function placeOfBlock(
  fileBytes: number,
  blockBytes: number,
  block: number,
): { readonly at: number; readonly length: number } {
  const at = (block - 1) * blockBytes;
  return { at, length: Math.max(0, Math.min(blockBytes, fileBytes - at)) };
}
