import type { Machine, MachineIn } from "../record.ts";
import { changed, conditionOf, nameOf, refused, type Transition, withCondition, withoutConditions } from "./move.ts";

/** What stays of a machine that is retired: what it is, what happened to it, and how operators labelled it. */
const lastingFacts = [
  ...(["id", "revision", "createdAtMs", "macs", "disputedMacs", "generation", "conditions"] as const),
  ...(["firmware", "network", "smbios", "hardware", "burnIn", "storage", "tpm"] as const),
  ...(["pxe", "lastSeenAtMs", "timeline", "sentAway", "repair"] as const),
  ...(["tags", "groups"] as const),
] satisfies readonly (keyof Machine)[];
type Lasting = Pick<Machine, (typeof lastingFacts)[number]>;

/**
 * The record of a retired machine: without name, addresses, slot and image; its order and its agent's credential become invalid.
 * Hardware, history and labels stay, and its disks are not touched. The generation stays; the next birth starts a new one.
 */
export function giveUp(machine: Machine, reason: string, nowMs: number): MachineIn<"unknown"> {
  const facts = new Map(Object.entries(machine));
  const lasting = lastingFacts.flatMap((name) => (facts.has(name) ? [[name, facts.get(name)]] : []));
  const kept: MachineIn<"unknown"> = { ...(Object.fromEntries(lasting) as Lasting), state: "unknown" };
  return withCondition(withoutConditions(kept, "failing", "conflict", "waiting"), { kind: "retired", reason }, nowMs);
}

/** An operator retires a machine in any state; if its birth is running, the next report is refused. */
export const retire: Transition<"retired"> = (machine, { by, reason }, context) => {
  if (conditionOf(machine, "retired") !== undefined)
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} is already retired`,
      next: `to allow its birth: birther release ${nameOf(machine)}`,
    });
  return changed(giveUp(machine, reason === undefined ? `by ${by}` : `${reason} (${by})`, context.nowMs));
};
