import { below, type Chance } from "../support/chance.ts";

/** Edge values of lengths and counts. */
const edges = [0, 1, 2, 3, 4, 7, 8, 52, 63, 64, 82, 127, 128, 254, 255] as const;
const longest = 2048;

/** One input: a seed with one to eight changes (bits, edge values, pieces cut, doubled or taken from another seed). */
export function mutate(seeds: readonly Uint8Array[], chance: Chance): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(seeds[below(chance, seeds.length)] ?? []);
  for (let changes = 1 + below(chance, 8); changes > 0; changes -= 1) bytes = changed(bytes, seeds, chance);
  return bytes;
}

function changed(bytes: Uint8Array, seeds: readonly Uint8Array[], chance: Chance): Uint8Array {
  const at = below(chance, bytes.length + 1);
  const length = below(chance, 24);
  switch (below(chance, 7)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << below(chance, 8));
      return bytes;
    case 1:
      bytes[at] = edges[below(chance, edges.length)] ?? 0;
      return bytes;
    case 2:
      bytes[at] = below(chance, 256);
      return bytes;
    case 3:
      return bytes.slice(0, at);
    case 4:
      return joined(bytes.subarray(0, at), bytes.subarray(at + length));
    case 5:
      return joined(bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at));
    default: {
      const other = seeds[below(chance, seeds.length)] ?? bytes;
      const from = below(chance, other.length + 1);
      return joined(bytes.subarray(0, at), other.subarray(from, from + 4 * length), bytes.subarray(at));
    }
  }
}

function joined(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole.subarray(0, longest);
}
