import { openDeadlines } from "./deadlines.ts";
import type { NewArray } from "./new-array.ts";

/** Machines that may fetch, and what remains to be sent to them: each call takes O(log n) steps. */
export type ServedMachines = {
  readonly has: (who: string) => boolean;
  readonly load: () => { readonly machines: number; readonly bytes: number };
  /** Lets a machine in, or notes that this is left for it, which makes its slot last until that time. */
  readonly put: (who: string, of: { readonly bytesLeft: number; readonly untilMs: number }) => void;
  readonly bytesLeft: (who: string) => number | undefined;
  readonly remove: (who: string) => void;
  readonly removeOverdue: (nowMs: number) => void;
};

/** Nobody fetches. */
export function openServedMachines(newArray: NewArray): ServedMachines {
  const left = new Map<string, number>();
  const deadlines = openDeadlines(newArray);
  let bytes = 0;

  function remove(who: string): void {
    bytes -= left.get(who) ?? 0;
    left.delete(who);
    deadlines.remove(who);
  }
  return {
    has: (who) => left.has(who),
    load: () => ({ machines: left.size, bytes }),
    put: (who, { bytesLeft, untilMs }) => {
      bytes += bytesLeft - (left.get(who) ?? 0);
      left.set(who, bytesLeft);
      deadlines.set(who, untilMs);
    },
    bytesLeft: (who) => left.get(who),
    remove,
    removeOverdue: (nowMs) => {
      for (let who = deadlines.due(nowMs); who !== undefined; who = deadlines.due(nowMs)) remove(who);
    },
  };
}
