import * as host from "host";
import type { SubContext } from "../sub-context.ts";

const turnMs = 1000;
/** Longer than a slow disk takes for an image; a disk that takes longer hangs, and the machine may be reset. */
const longestMs = 30 * 60_000;

/**
 * sync(2) with signs of life meanwhile: a slow disk may need minutes for an image, and the watchdog waits for two. After half an
 * hour without an end there are no more signs.
 */
export function syncDisks({ alive }: Pick<SubContext, "alive">): void {
  const endMs = host.monotonicMs() + longestMs;
  alive();
  while (!host.syncWithin(turnMs)) if (host.monotonicMs() < endMs) alive();
}
