import { isWithin } from "../clock-jump.ts";
import { conditionOf } from "./life/move.ts";
import type { Machine } from "./record.ts";

/** A machine that is silent for this long has vanished: its temporary address may go to another machine. */
export const vanishedAfterMs = 3_600_000;

/**
 * Whether the temporary address of a machine may be reused. A machine in the middle of a birth keeps it: its init uses the
 * address, and a burn-in may be silent for hours. A failed birth does not count as running.
 */
export function hasVanished(machine: Machine, nowMs: number): boolean {
  if (machine.temporaryAddress === undefined || isBeingBorn(machine)) return false;
  const times = [machine.lastSeenAtMs, machine.pxe.lastRequestAtMs, machine.phaseAtMs ?? 0];
  return !times.some((atMs) => isWithin(vanishedAfterMs, atMs, nowMs));
}

function isBeingBorn(machine: Machine): boolean {
  const { order, generation, state } = machine;
  if (state === "healthy" || state === "unknown") return false;
  return order?.taken !== undefined && order.generation === generation && conditionOf(machine, "failing") === undefined;
}
