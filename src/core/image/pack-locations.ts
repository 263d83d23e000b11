import type { Content } from "./update/difference.ts";

/** A content and, if it is in a pack, the place of the pack in a list and its own first byte there. */
export type PlacedContent = Content & { readonly pack?: number; readonly offset?: number };

/** Contents in the order of the packs that have them, and the names of these packs; contents that no pack has come last. */
export type PackLocations = { readonly objects: readonly PlacedContent[]; readonly packs: readonly string[] };

/** Finds the pack of a content, and where in it; undefined if no pack has it. */
export type FindInPacks = (sha512: string) => { readonly pack: string; readonly offset: number } | undefined;

/** Puts contents in the order in which a few long streams have them. */
export function placeInPacks(contents: readonly Content[], find: FindInPacks): PackLocations {
  const numbers = new Map<string, number>();
  const placed: Required<PlacedContent>[] = [];
  const others: Content[] = [];
  for (const { sha512, size } of contents) {
    const found = find(sha512);
    if (found === undefined) {
      others.push({ sha512, size });
      continue;
    }
    const pack = numbers.get(found.pack) ?? numbers.size;
    numbers.set(found.pack, pack);
    placed.push({ sha512, size, pack, offset: found.offset });
  }
  placed.sort((a, b) => a.pack - b.pack || a.offset - b.offset);
  return { objects: [...placed, ...others], packs: [...numbers.keys()] };
}

/** Bytes of a pack that have contents, with bytes between them that are passed over. */
export type PackRun = {
  readonly pack: string;
  /** From the first byte of the first content, up to but not including the end of the last. */
  readonly from: number;
  readonly to: number;
  /** In the order of the pack; `skip` is the number of bytes before each that are passed over. */
  readonly contents: readonly (Content & { readonly skip: number })[];
};

/** So much is read and thrown away faster than it is asked for anew: a round trip at 10 Gb/s. */
const longestSkip = 256 << 10;

/** The contents from the first on that one request gets from a pack; undefined if the first one is in no pack. */
export function firstRun(contents: readonly PlacedContent[], packs: readonly string[]): PackRun | undefined {
  const [{ pack, offset: from } = {}] = contents;
  const name = pack === undefined ? undefined : packs[pack];
  if (name === undefined || from === undefined) return undefined;
  const run: (Content & { readonly skip: number })[] = [];
  let to = from;
  for (const { sha512, size, ...place } of contents) {
    if (place.pack !== pack || place.offset === undefined) break;
    const skip = place.offset - to;
    if (skip < 0 || skip > longestSkip) break;
    run.push({ sha512, size, skip });
    to = place.offset + size;
  }
  return { pack: name, from, to, contents: run };
}
