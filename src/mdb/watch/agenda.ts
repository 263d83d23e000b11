import type { MachineId } from "../../core/machine/record.ts";
import { SplitMap } from "../split-map.ts";

/** Machines are checked in the second in which they are due. */
const bucketMs = 1000;

/** When to check which machine. One entry per machine, so memory is bounded by the fleet. */
export type Agenda = {
  /** Schedules a check for this time, or keeps an earlier one. */
  readonly note: (id: MachineId, atMs: number) => void;
  /** Removes and returns the due machines, at most `limit`. */
  readonly due: (nowMs: number, limit: number) => readonly MachineId[];
  readonly size: () => number;
};

/**
 * An empty agenda. A date that moves later is not rescheduled: the machine is checked on the earlier date and noted
 * again. So an agent's poll costs nothing, and a fleet of 100,000 healthy machines some hundred checks per second.
 */
export function openAgenda(): Agenda {
  const dates = new SplitMap<MachineId, number>();
  const buckets = new Map<number, MachineId[]>();

  return {
    note: (id, atMs) => {
      const bucket = Math.floor(atMs / bucketMs);
      const noted = dates.get(id);
      if (noted !== undefined && noted <= bucket) return;
      dates.set(id, bucket);
      const ids = buckets.get(bucket);
      if (ids === undefined) buckets.set(bucket, [id]);
      else ids.push(id);
    },
    due: (nowMs, limit) => {
      const now = Math.floor(nowMs / bucketMs);
      const found: MachineId[] = [];
      // One bucket for each pending second: thousands at most, whatever the clock does.
      for (const [bucket, ids] of buckets) {
        if (bucket > now) continue;
        while (ids.length > 0 && found.length < limit) {
          const id = ids.pop() as MachineId;
          // A leftover entry of a machine that was noted for an earlier date since.
          if (dates.get(id) !== bucket) continue;
          dates.delete(id);
          found.push(id);
        }
        if (ids.length === 0) buckets.delete(bucket);
      }
      return found;
    },
    size: () => dates.size,
  };
}
