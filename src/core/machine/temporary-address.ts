import { conditionOf } from "./life/move.ts";
import type { Machine } from "./record.ts";

/** A machine that was not heard of for this long is gone, and its temporary address may go to another one. */
export const vanishedAfterMs = 3_600_000;

/**
 * Whether a machine has left its temporary address to others. One in the middle of a birth never has: its init holds the
 * address by itself, and a burn-in may be silent for hours. A birth that has failed is no longer in its middle.
 */
export function hasVanished(machine: Machine, nowMs: number): boolean {
  if (machine.temporaryAddress === undefined || isBeingBorn(machine)) return false;
  const heardAtMs = Math.max(machine.lastSeenAtMs, machine.pxe.lastRequestAtMs, machine.phaseAtMs ?? 0);
  return nowMs - heardAtMs >= vanishedAfterMs;
}

function isBeingBorn(machine: Machine): boolean {
  const { order, generation, state } = machine;
  if (state === "healthy" || state === "unknown") return false;
  return order?.taken !== undefined && order.generation === generation && conditionOf(machine, "failing") === undefined;
}
