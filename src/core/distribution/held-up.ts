import { accusersLimit, sharedLimit } from "./choose-sources.ts";
import type { Member } from "./member.ts";
import type { Swarm } from "./swarm.ts";

/** Slower than this is slow whatever others get: a share of the server's uplink is more (`systemImageSlots`). */
const slowBytesPerSecond = 2_000_000;
/** So is a fraction of what the fastest machine gets from the origin; within a rack, a machine that catches up gets far more. */
const slowPart = 1 / 8;
/** With as many bytes more, a source has something to send; it says how far it is only now and then. */
const aheadBytes = 8 << 20;

/**
 * Whether a machine gets contents slowly because of its source: the source has much that it does not send, or it is itself the
 * bottleneck for what comes from further up. The machines behind such a one wait for it just as well, but only the first of
 * them is to look for another source.
 */
export function isHeldUp(caller: Member, swarm: Swarm, { originIsFull }: { readonly originIsFull: boolean }): boolean {
  const source = sourceOf(caller, swarm);
  const heads = [...swarm.heads()];
  const least = leastRate(swarm);
  const isSlow = ({ bytesPerSecond }: Member) => bytesPerSecond !== undefined && bytesPerSecond < least;
  // A seed is slow by its limit; one that gives nothing is left by those who ask it.
  if (source === undefined || source.isSeed === true || !isSlow(caller)) return false;
  if (source.doneBytes - caller.doneBytes >= aheadBytes) return true;
  if (!isSlow(source) || source.from === undefined) return false;
  const isAhead = (one: Member | undefined) => one !== undefined && one.doneBytes - source.doneBytes >= aheadBytes;
  if (source.from !== "origin") return isAhead(swarm.get(source.from));
  const hasRoom = ({ id }: Member) => swarm.childrenOf(id).size < sharedLimit;
  for (const one of swarm.ofRack(caller.rack)) if (isAhead(one) && one.serves && hasRoom(one)) return true;
  // One machine of a rack tries whether the origin is faster for it; if all are slow, the uplink is.
  return !originIsFull && heads.filter(({ rack }) => rack === caller.rack).length === 1;
}

/** What is less is slow. */
function leastRate(swarm: Swarm): number {
  const rates = [...swarm.heads()].map(({ bytesPerSecond = 0 }) => bytesPerSecond);
  return Math.max(slowBytesPerSecond, slowPart * Math.max(0, ...rates));
}

/** A machine that gets about as much from the origin as another one shares the uplink with it: it is as fast behind that one. */
const equalPart = 0.8;

/**
 * Another machine of the rack that fetches from the origin, is ahead, and is not slower: both would cross the uplink with the
 * same. That is so where a second one tried the origin because the first seemed to be slow, and it was not, or all are.
 */
export function betterHead(caller: Member, swarm: Swarm): Member | undefined {
  const { bytesPerSecond: own = 0 } = caller;
  if (own < leastRate(swarm)) return undefined;
  const least = own * equalPart;
  const isBetter = ({ id, rack, serves, doneBytes, bytesPerSecond = 0, accusers }: Member) =>
    id !== caller.id &&
    rack === caller.rack &&
    serves &&
    doneBytes > caller.doneBytes &&
    bytesPerSecond >= least &&
    accusers.size < accusersLimit &&
    swarm.childrenOf(id).size < sharedLimit;
  for (const head of swarm.heads()) if (isBetter(head)) return head;
  return undefined;
}

function sourceOf({ from }: Member, swarm: Swarm): Member | undefined {
  return from === undefined || from === "origin" ? undefined : swarm.get(from);
}
