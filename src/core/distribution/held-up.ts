import type { MachineId } from "../machine/record.ts";
import { type Member, sharedLimit } from "./choose-sources.ts";

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
export function isHeldUp(
  caller: Member,
  members: ReadonlyMap<MachineId, Member>,
  { originIsFull }: { readonly originIsFull: boolean },
): boolean {
  const source = sourceOf(caller, members);
  const heads = [...members.values()].filter(({ from }) => from === "origin");
  const least = Math.max(slowBytesPerSecond, slowPart * Math.max(0, ...heads.map((one) => one.bytesPerSecond ?? 0)));
  const isSlow = ({ bytesPerSecond }: Member) => bytesPerSecond !== undefined && bytesPerSecond < least;
  if (source === undefined || !isSlow(caller)) return false;
  if (source.doneBytes - caller.doneBytes >= aheadBytes) return true;
  if (!isSlow(source) || source.from === undefined) return false;
  const isAhead = (one: Member | undefined) => one !== undefined && one.doneBytes - source.doneBytes >= aheadBytes;
  if (source.from !== "origin") return isAhead(members.get(source.from));
  const near = [...members.values()].filter(({ rack }) => rack === caller.rack);
  if (near.some((one) => isAhead(one) && one.serves && childrenOf(one, near) < sharedLimit)) return true;
  // One machine of a rack tries whether the origin is faster for it; if all are slow, the uplink is.
  return !originIsFull && heads.filter(({ rack }) => rack === caller.rack).length === 1;
}

function sourceOf({ from }: Member, members: ReadonlyMap<MachineId, Member>): Member | undefined {
  return from === undefined || from === "origin" ? undefined : members.get(from);
}

function childrenOf({ id }: Member, among: readonly Member[]): number {
  return among.filter(({ from }) => from === id).length;
}
