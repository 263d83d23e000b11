import { phases } from "../machine/phase.ts";
import type { Machine } from "../machine/record.ts";

type OnRecord = { readonly [Fact in "state" | "phase" | "runningImage"]?: Machine[Fact] | undefined };

const handedOver = phases.indexOf("handedOver");

/**
 * Whether others can fetch from a machine by what its record says. A machine that restarts serves nobody: an order, an operator or a
 * kernel on trial restarts it, or a power cut, which shows when its firmware asks. A newborn serves on while it places its image; a
 * machine with a workload does not.
 */
export function canServe({ state, phase, runningImage }: OnRecord): boolean {
  if (state !== "healthy" || phase === "rebooting") return false;
  if (phase === "updating") return runningImage === undefined;
  return phase === undefined || phases.indexOf(phase) >= handedOver;
}
