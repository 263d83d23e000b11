import { isWithin } from "../clock-jump.ts";
import type { Machine } from "../machine/record.ts";

/** How many machines of an owner group may be sent to rebirth or clean within a time window; the larger number applies. */
export type BlastRadius = {
  readonly machines: number;
  /** Percentage of the machines in the group, 0 to 100. */
  readonly percent: number;
  readonly perSeconds: number;
};

/** A machine, the groups that own it, and when it was last sent to rebirth or clean. */
export type Owned = Pick<Machine, "id" | "groups"> & { readonly sentAway?: { readonly atMs: number } };

/** How the fleet is owned, counted as it changes: going through 100,000 records would keep packets waiting for 15 ms. */
export type Ownership = {
  /** The number of machines in each owner group; of those without one under the empty name. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Every machine that was sent away within `longestWindowMs`, and perhaps others. */
  readonly sentAway: Iterable<Owned>;
};

/** The longest window of a blast radius. */
export const longestWindowMs = 2_592_000_000;

/** A group that would exceed its limit. */
export type Excess = {
  /** The group's name; empty for machines without an owner group. */
  readonly group: string;
  readonly size: number;
  /** The limit within the window, the number already sent, and the number of further machines requested. */
  readonly limit: number;
  readonly sent: number;
  readonly asked: number;
  /** When the request will fit, if nothing else is sent until then; absent if it exceeds the limit by itself. */
  readonly freeAtMs?: number;
};

/** The group of machines without an owner. */
const ownerless: readonly string[] = [""];

/**
 * The groups that would exceed their limit if these machines were sent; empty if the request is allowed. A machine counts
 * once in each of its groups; sending it again within the window does not count again.
 */
export function weighSending(given: {
  readonly targets: readonly Owned[];
  readonly fleet: Ownership;
  readonly limits: BlastRadius;
  readonly nowMs: number;
}): readonly Excess[] {
  const { targets, fleet, limits, nowMs } = given;
  const windowMs = limits.perSeconds * 1000;
  const isSent = ({ sentAway }: Owned) => sentAway !== undefined && isWithin(windowMs, sentAway.atMs, nowMs);
  const groups = new Map<string, { readonly size: number; asked: number; sentAtMs: number[] }>();
  const groupOf = (name: string) => {
    const known = groups.get(name);
    const group = known ?? { size: fleet.sizes.get(name) ?? 0, asked: 0, sentAtMs: [] };
    if (known === undefined) groups.set(name, group);
    return group;
  };
  for (const machine of fleet.sentAway) {
    if (machine.sentAway === undefined || !isSent(machine)) continue;
    for (const name of groupsOf(machine)) groupOf(name).sentAtMs.push(machine.sentAway.atMs);
  }
  for (const machine of targets) {
    if (!isSent(machine)) for (const name of groupsOf(machine)) groupOf(name).asked += 1;
  }
  return [...groups].flatMap(([group, { size, asked: more, sentAtMs }]) => {
    const limit = Math.max(limits.machines, Math.floor((size * limits.percent) / 100));
    if (more === 0 || sentAtMs.length + more <= limit) return [];
    const excess = { group, size, limit, sent: sentAtMs.length, asked: more };
    if (more > limit) return [excess];
    // The request fits once this many of the oldest have left the window.
    const last = sentAtMs.sort((a, b) => a - b)[sentAtMs.length + more - limit - 1] ?? nowMs;
    return [{ ...excess, freeAtMs: last + windowMs }];
  });
}

/** The owner groups of a machine, each once; the empty name if it has none. */
export function groupsOf({ groups = ownerless }: Owned): Iterable<string> {
  if (groups.length === 0) return ownerless;
  return groups.length === 1 ? groups : new Set(groups);
}

/** One sentence about a group that would exceed its limit. */
export function excessText({ group, size, limit, sent, asked }: Excess, { perSeconds }: BlastRadius): string {
  const whose = group === "" ? "machines without a group" : `machines of group ${group}`;
  const per = perSeconds === 3600 ? "an hour" : `${perSeconds} s`;
  return `expected at most ${limit} of the ${size} ${whose} within ${per}, found ${asked} requested and ${sent} already sent`;
}
