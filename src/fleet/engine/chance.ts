/** Repeatable chance. */
export type Chance = {
  /** From 0 up to, but not including, 1. */
  readonly next: () => number;
  readonly between: (least: number, most: number) => number;
  readonly happens: (probability: number) => boolean;
  readonly bytes: (count: number) => Uint8Array;
};

/** Chance from a seed (Mulberry32: 32 bits of state, a period of 2^32; good enough for delays, not for secrets). */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  const word = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const next = () => word() / 2 ** 32;
  return {
    next,
    between: (least, most) => least + (most - least) * next(),
    happens: (probability) => next() < probability,
    bytes: (count) => {
      const bytes = new Uint8Array(count);
      for (let at = 0; at < count; at += 1) bytes[at] = word() & 255;
      return bytes;
    },
  };
}

/** The seed of one of many: neighbours have nothing in common. */
export function seedOf(seed: number, nth: number): number {
  return (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(nth + 1, 0xc2b2ae35)) >>> 0;
}
