import type { Member } from "./member.ts";
import type { Swarm } from "./swarm.ts";
import { bytesPerMegabit, usualLinkMbps } from "./upload-limit.ts";

/** A source as its limit shows it (`Source`). */
type LimitedSource = { readonly machineId: string; readonly bytesPerSecond?: number };

/**
 * From how many of its sources, the first ones, a machine fetches at the same time; 1 is one after the other. More than one only where
 * that is faster and takes nothing from others: a machine that fetches alone in its rack, from seeds of the rack, which give a small part
 * of their links, up to the rate of its own. Everybody else has a source at the rate of the link, or would take from the part of another.
 */
export function sourcesAtOnce(
  caller: Member,
  swarm: Swarm,
  {
    sources,
    linkMbps = usualLinkMbps,
  }: { readonly sources: readonly LimitedSource[]; readonly linkMbps?: number | undefined },
): number {
  const rack = [...swarm.ofRack(caller.rack)];
  if (rack.some(({ id, from }) => from !== undefined && id !== caller.id)) return 1;
  let missing = linkMbps * bytesPerMegabit;
  let count = 0;
  for (const { machineId, bytesPerSecond } of sources) {
    const seed = rack.find(({ id, isSeed }) => id === machineId && isSeed === true);
    if (missing <= 0 || seed === undefined || bytesPerSecond === undefined) break;
    if ([...swarm.childrenOf(seed.id)].some((id) => id !== caller.id)) break;
    missing -= bytesPerSecond;
    count += 1;
  }
  return Math.max(1, count);
}
