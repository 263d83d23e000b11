import { isLeftToOthers } from "../machine/next-boot.ts";
import type { Machine } from "../machine/record.ts";

/**
 * How a machine stands, for the figures of a fleet; each machine has exactly one, so that the counts add up. `up`: it runs
 * its image and nothing is wrong. `arriving`: on its way to that. `pending`: it is to be installed and has not begun.
 * `failing`: a condition says that something is wrong. `held`: an operator stopped it. `unknown`: seen, but no birth may begin.
 */
export const statuses = ["up", "arriving", "pending", "failing", "held", "unknown", "retired"] as const;
export type MachineStatus = (typeof statuses)[number];

/** The conditions of a machine that needs someone, the most telling first. */
export const troubles = ["failing", "conflict", "debug"] as const;

/** How a machine stands. With `othersUpdate` an installed machine is up once it is left to the external Dominator. */
export function machineStatusOf(machine: Machine, othersUpdate = false): MachineStatus {
  const { conditions, state, phase } = machine;
  if (conditions.length > 0) {
    if (conditions.some(({ kind }) => kind === "retired")) return "retired";
    if (conditions.some(({ kind }) => kind === "hold" || kind === "maintenance")) return "held";
    if (conditions.some(({ kind }) => (troubles as readonly string[]).includes(kind))) return "failing";
  }
  if (state === "unknown") return "unknown";
  if (state === "healthy" && (phase === "up" || (othersUpdate && isLeftToOthers(machine)))) return "up";
  return phase === undefined ? "pending" : "arriving";
}
