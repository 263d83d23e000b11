import { below, type Chance } from "./chance.ts";

/**
 * How bad a wire is. After `mostLostInARow` losses the next packet arrives: for clients with little patience, such as
 * tftp-hpa with its 25 s for a block, which one run in a few hundred exceeds with any server.
 */
export type Badness = {
  readonly lossPercent: number;
  readonly twicePercent: number;
  readonly latestMs: number;
  readonly mostLostInARow?: number;
};

/** One direction of a bad wire: it carries a packet never, once or twice, each time late by up to `latestMs`, so that packets overtake one another. */
export function openBadWire(chance: Chance, badness: Badness): (send: () => void) => void {
  const { lossPercent, twicePercent, latestMs, mostLostInARow = Number.POSITIVE_INFINITY } = badness;
  let lost = 0;
  return (send) => {
    const loses = below(chance, 100) < lossPercent && lost < mostLostInARow;
    lost = loses ? lost + 1 : 0;
    if (loses) return;
    const copies = below(chance, 100) < twicePercent ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) setTimeout(send, below(chance, latestMs));
  };
}
