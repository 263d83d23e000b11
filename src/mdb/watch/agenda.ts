import type { MachineId } from "../../core/machine/record.ts";

/** Machines are looked at in the second in which they are due. */
const bucketMs = 1000;

/** When to look at which machine. One entry a machine: its memory is bounded by the fleet. */
export type Agenda = {
  /** Looks at it then, or earlier if that was noted before. */
  readonly note: (id: MachineId, atMs: number) => void;
  /** Takes out those that are due, at most `limit`. */
  readonly due: (nowMs: number, limit: number) => readonly MachineId[];
  readonly size: () => number;
};

/**
 * An empty agenda. A date that moves on is not moved: the machine is looked at on the earlier one and noted anew, so that a sub's
 * poll costs nothing and a fleet of 100,000 that is up some hundred looks a second.
 */
export function openAgenda(): Agenda {
  const dates = new Map<MachineId, number>();
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
      // As many buckets as there are different seconds to come: thousands at most, whatever the clock does.
      for (const [bucket, ids] of buckets) {
        if (bucket > now) continue;
        while (ids.length > 0 && found.length < limit) {
          const id = ids.pop() as MachineId;
          // Left behind where the machine was noted for an earlier date since.
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
