/** Opcode and block number in front of the data of a block (RFC 1350 §5). */
export const blockHeaderBytes = 4;

/**
 * The DATA packets of blocks `first` to `last` of a file, counted from 1, laid end to end: all are full but for the
 * file's last one, so the whole can be cut into packets by length alone.
 */
export function writeBlocks(
  file: Uint8Array,
  blockBytes: number,
  { first, last }: { readonly first: number; readonly last: number },
): Uint8Array {
  const data = file.subarray((first - 1) * blockBytes, last * blockBytes);
  const packets = new Uint8Array(data.length + (last - first + 1) * blockHeaderBytes);
  for (let block = first; block <= last; block += 1) {
    const at = (block - first) * blockBytes;
    const packetAt = at + (block - first) * blockHeaderBytes;
    packets[packetAt + 1] = 3;
    // Only the lower 16 bits travel: 65535 is followed by 0 (netboot.md T7, F6).
    packets[packetAt + 2] = (block >> 8) & 255;
    packets[packetAt + 3] = block & 255;
    packets.set(data.subarray(at, at + blockBytes), packetAt + blockHeaderBytes);
  }
  return packets;
}
