import { openDeadlines } from "./deadlines.ts";
import type { NewArray } from "./new-array.ts";
import { openPrefixSums } from "./prefix-sums.ts";

/** Machines that wait, in the order in which they came: each call takes O(log n) steps, on average over all. */
export type WaitingLine = {
  readonly size: () => number;
  /** What waits before a machine; all that wait, if it does not. */
  readonly ahead: (who: string) => { readonly machines: number; readonly bytes: number };
  /** Puts a machine at the end, or renews what is known of one that waits; it leaves at that time unless it is renewed before. */
  readonly put: (who: string, of: { readonly bytes: number; readonly leavesAtMs: number }) => void;
  readonly remove: (who: string) => void;
  readonly removeOverdue: (nowMs: number) => void;
};

type Waiting = { readonly who: string; bytes: number; place: number };

const leastRoom = 64;

/** A line in which nobody waits. */
export function openWaitingLine(newArray: NewArray): WaitingLine {
  /** In the order of their places. */
  const waiting = new Map<string, Waiting>();
  const deadlines = openDeadlines(newArray);
  let room = 0;
  let used = 0;
  let machines = openPrefixSums(0, newArray);
  let bytes = openPrefixSums(0, newArray);

  function count(one: Waiting, sign: 1 | -1): void {
    machines.add(one.place, sign);
    bytes.add(one.place, sign * one.bytes);
  }
  /** Numbers the places anew when all are used, with as many free ones as are taken: that is due again only after as many arrivals. */
  function makeRoom(): void {
    room = Math.max(leastRoom, 2 * waiting.size);
    machines = openPrefixSums(room, newArray);
    bytes = openPrefixSums(room, newArray);
    used = 0;
    for (const one of waiting.values()) {
      one.place = used;
      used += 1;
      count(one, 1);
    }
  }
  function remove(who: string): void {
    const one = waiting.get(who);
    if (one === undefined) return;
    count(one, -1);
    waiting.delete(who);
    deadlines.remove(who);
  }
  return {
    size: () => waiting.size,
    ahead: (who) => {
      const place = waiting.get(who)?.place ?? used;
      return { machines: machines.before(place), bytes: bytes.before(place) };
    },
    put: (who, of) => {
      const known = waiting.get(who);
      deadlines.set(who, of.leavesAtMs);
      if (known !== undefined) {
        bytes.add(known.place, of.bytes - known.bytes);
        known.bytes = of.bytes;
        return;
      }
      if (used === room) makeRoom();
      const one = { who, bytes: of.bytes, place: used };
      used += 1;
      waiting.set(who, one);
      count(one, 1);
    },
    remove,
    removeOverdue: (nowMs) => {
      for (let who = deadlines.due(nowMs); who !== undefined; who = deadlines.due(nowMs)) remove(who);
    },
  };
}
