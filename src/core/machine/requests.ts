import { isWithin } from "../clock-jump.ts";
import type { Context, EventOf } from "./life/move.ts";
import { decide } from "./life/table.ts";
import type { Machine } from "./record.ts";

/** Maximum time during which requests without new facts are only counted before they are recorded. */
export const countedMs = 10_000;

/** A PXE request, as the DHCP server received it. */
export type PxeAsked = EventOf<"pxeAsked">;

const nobody = () => undefined;
const nobodyElse: Omit<Context, "nowMs"> = {
  nameHolder: nobody,
  addressHolder: nobody,
  macHolder: nobody,
  announcedAt: nobody,
  machinesWith: () => 0,
  byId: nobody,
  imageFor: (wanted) => wanted,
};

/**
 * Whether a PXE request soon after another would change only the counters on the record of its machine. Examples are the
 * REQUEST after a DISCOVER, and clients that repeat their request every few seconds.
 */
export function asksAgain(machine: Machine, event: PxeAsked, nowMs: number): boolean {
  // Always record the first request after a quiet period.
  if (!isWithin(countedMs, machine.pxe.lastRequestAtMs, nowMs)) return false;
  const { address } = event;
  // Another machine may hold a different address.
  if (address !== undefined && address !== machine.temporaryAddress && address !== machine.permanentAddress)
    return false;
  const after = decide(machine, event, { ...nobodyElse, nowMs }).machine;
  return after !== undefined && after.pxe.lastAnswer === machine.pxe.lastAnswer && differsInCountsOnly(machine, after);
}

/** Compares by identity: a new record shares its unchanged parts with the old one. */
function differsInCountsOnly(before: Machine, after: Machine): boolean {
  for (const name in after) {
    const key = name as keyof Machine;
    if (before[key] !== after[key] && key !== "pxe" && key !== "revision") return false;
  }
  for (const name in before) if (!(name in after)) return false;
  return true;
}
