import type { MachineId } from "../machine/record.ts";
import type { Clock } from "../ports.ts";

/** As many small fetches are under way at once; 1 GiB at most, which 10 Gb/s carries in a second. */
const mostAtOnce = 256;
/** A machine that has not said by then that it is done has ended otherwise. */
const forgottenMs = 30_000;

/** The fetches that are too small to wait for large ones. */
export type SmallFetches = {
  /** Whether a machine may begin now, or go on; false: it is to wait like the others. */
  readonly begins: (id: MachineId) => boolean;
  readonly ended: (id: MachineId) => void;
};

/**
 * Lets small fetches begin at once, but not thousands of them in the same moment: where 4,000 machines open their connections together, a
 * server that is busy answers none of them in time, and all of them try again.
 */
export function openSmallFetches({ monotonicMs }: Pick<Clock, "monotonicMs">): SmallFetches {
  /** When each began, the earliest first. */
  const beganMs = new Map<MachineId, number>();

  function forgetLost(): void {
    for (const [id, atMs] of beganMs) {
      if (monotonicMs() - atMs < forgottenMs) return;
      beganMs.delete(id);
    }
  }
  return {
    begins: (id) => {
      forgetLost();
      if (!beganMs.has(id) && beganMs.size >= mostAtOnce) return false;
      beganMs.delete(id);
      beganMs.set(id, monotonicMs());
      return true;
    },
    ended: (id) => void beganMs.delete(id),
  };
}
