import { below, type Chance } from "./chance.ts";

/** How bad a wire is. */
export type Badness = { readonly lossPercent: number; readonly twicePercent: number; readonly latestMs: number };

/** Carries a packet by a bad wire: never, once or twice, each time late by up to `latestMs`, so that packets overtake one another. */
export function carryBadly(chance: Chance, { lossPercent, twicePercent, latestMs }: Badness, send: () => void): void {
  if (below(chance, 100) < lossPercent) return;
  const copies = below(chance, 100) < twicePercent ? 2 : 1;
  for (let copy = 0; copy < copies; copy += 1) setTimeout(send, below(chance, latestMs));
}
