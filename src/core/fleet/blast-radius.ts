import type { Machine, MachineId } from "../machine/record.ts";

/** How many machines of an owner group may be sent to rebirth or clean within a time; the larger of the two numbers counts. */
export type BlastRadius = {
  readonly machines: number;
  /** Of the machines that the group has, 0 to 100. */
  readonly percent: number;
  readonly perSeconds: number;
};

/** A machine, the groups that own it, and when it was last sent to rebirth or clean. */
export type Owned = Pick<Machine, "id" | "groups"> & { readonly sentAway?: { readonly atMs: number } };

/** A group that would lose more machines at once than it may. */
export type Excess = {
  /** The group's name; empty for the machines that no group owns. */
  readonly group: string;
  readonly size: number;
  /** How many may be sent within the time, how many were sent, and how many more are asked for now. */
  readonly limit: number;
  readonly sent: number;
  readonly asked: number;
  /** When all that is asked for may be sent, if nothing else is until then; absent where it never may. */
  readonly freeAtMs?: number;
};

/** What machines without an owner count as. */
const ownerless: readonly string[] = [""];

/**
 * The groups that sending these machines would hurt more than the limits allow; none if it may be done. A machine counts
 * once in each of its groups, however often it was sent; one that is sent again within the time costs nothing more.
 */
export function weighSending(asked: {
  readonly targets: readonly MachineId[];
  readonly fleet: readonly Owned[];
  readonly limits: BlastRadius;
  readonly nowMs: number;
}): readonly Excess[] {
  const { targets, fleet, limits, nowMs } = asked;
  const windowMs = limits.perSeconds * 1000;
  const wanted = new Set(targets);
  const groups = new Map<string, { size: number; asked: number; sentAtMs: number[] }>();
  for (const { id, groups: owners = ownerless, sentAway } of fleet) {
    const atMs = sentAway !== undefined && sentAway.atMs + windowMs > nowMs ? sentAway.atMs : undefined;
    for (const name of new Set(owners.length === 0 ? ownerless : owners)) {
      const group = groups.get(name) ?? { size: 0, asked: 0, sentAtMs: [] };
      group.size += 1;
      if (atMs !== undefined) group.sentAtMs.push(atMs);
      else if (wanted.has(id)) group.asked += 1;
      groups.set(name, group);
    }
  }
  return [...groups].flatMap(([group, { size, asked: more, sentAtMs }]) => {
    const limit = Math.max(limits.machines, Math.floor((size * limits.percent) / 100));
    if (more === 0 || sentAtMs.length + more <= limit) return [];
    const excess = { group, size, limit, sent: sentAtMs.length, asked: more };
    if (more > limit) return [excess];
    // So many of the oldest have to be forgotten before there is room for all.
    const last = sentAtMs.sort((a, b) => a - b)[sentAtMs.length + more - limit - 1] ?? nowMs;
    return [{ ...excess, freeAtMs: last + windowMs }];
  });
}

/** One sentence about a group that would be hurt. */
export function excessText({ group, size, limit, sent, asked }: Excess, { perSeconds }: BlastRadius): string {
  const whose = group === "" ? "machines without a group" : `machines of group ${group}`;
  const per = perSeconds === 3600 ? "an hour" : `${perSeconds} s`;
  return `${asked} of the ${size} ${whose} are asked for, ${sent} were sent already, and at most ${limit} may be within ${per}`;
}
