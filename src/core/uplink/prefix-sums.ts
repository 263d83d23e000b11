import type { NewArray } from "./new-array.ts";

/** Numbers in places from 0 on, and their sums up to a place: each call touches as many cells as the length has bits. */
export type PrefixSums = {
  readonly add: (place: number, change: number) => void;
  /** The sum of the numbers before this place. */
  readonly before: (place: number) => number;
};

/** A binary indexed tree (P. Fenwick, "A New Data Structure for Cumulative Frequency Tables", 1994); all numbers are 0. */
export function openPrefixSums(length: number, newArray: NewArray): PrefixSums {
  const cells = newArray(length + 1, 0);
  return {
    add: (place, change) => {
      for (let at = place + 1; at <= length; at += at & -at) cells[at] = (cells[at] ?? 0) + change;
    },
    before: (place) => {
      let sum = 0;
      for (let at = place; at > 0; at -= at & -at) sum += cells[at] ?? 0;
      return sum;
    },
  };
}
