import type { Context, EventOf } from "./life/move.ts";
import { decide } from "./life/table.ts";
import type { Machine } from "./record.ts";

/** For so long at most, requests that tell nothing new are counted before they are written down. */
export const countedMs = 10_000;

/** A PXE request, as the DHCP server saw it. */
export type PxeAsked = EventOf<"pxeAsked">;

const nobody = () => undefined;
const nobodyElse: Omit<Context, "nowMs"> = {
  nameHolder: nobody,
  addressHolder: nobody,
  macHolder: nobody,
  announcedAt: nobody,
  byId: nobody,
};

/**
 * Whether a PXE request that comes soon after another tells nothing of its machine but that it asked once more: only the
 * counts on its record would change. So are the REQUEST after a DISCOVER, and the clients that ask every few seconds.
 */
export function asksAgain(machine: Machine, event: PxeAsked, nowMs: number): boolean {
  // What is long silent is heard at once.
  if (nowMs - machine.pxe.lastRequestAtMs >= countedMs) return false;
  const { address } = event;
  // Another address may be somebody else's.
  if (address !== undefined && address !== machine.temporaryAddress && address !== machine.permanentAddress)
    return false;
  const after = decide(machine, event, { ...nobodyElse, nowMs }).machine;
  return after !== undefined && after.pxe.lastAnswer === machine.pxe.lastAnswer && differsInCountsOnly(machine, after);
}

/** Records share what did not change. */
function differsInCountsOnly(before: Machine, after: Machine): boolean {
  for (const name in after) {
    const key = name as keyof Machine;
    if (before[key] !== after[key] && key !== "pxe" && key !== "revision") return false;
  }
  for (const name in before) if (!(name in after)) return false;
  return true;
}
