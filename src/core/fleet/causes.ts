import type { Condition } from "../machine/condition.ts";
import { describeMissing } from "../machine/health/mirror-text.ts";
import type { Why } from "../machine/health/waiting-for.ts";
import { nameOf } from "../machine/life/move.ts";
import { locationOf } from "../machine/location.ts";
import type { Machine } from "../machine/record.ts";
import { troubles } from "./machine-status.ts";
import { compareNatural } from "./racks.ts";

/** Failures with the same reason, whatever the numbers in it, and where they are. */
export type Cause = {
  /**
   * `placement`: it is on its way, and no placement rule matches what it hears on its cable. `mirror`: it is up, and its mirrored root
   * works without one of its disks.
   */
  readonly condition: Condition["kind"] | "placement" | "mirror";
  /** The reason; where machines differ in a number or a name, it is `…`. */
  readonly reason: string;
  readonly machines: number;
  /** Some of the machines by name, in the order in which the fleet lists them. */
  readonly first: readonly string[];
  /** The locations with most of the machines, such as `rack 17` or `network east`. */
  readonly locations: readonly { readonly place: string; readonly machines: number }[];
  readonly locationCount: number;
  /** When the first and the latest of the machines got the condition. */
  readonly firstAtMs: number;
  readonly latestAtMs: number;
};

/** A cause, and one of its machines: `why` says of it what to do. */
export type CauseFound = { readonly cause: Cause; readonly example: Machine };

/** Different reasons that are told apart; a machine's texts reach reasons, so that they could be as many as machines. */
const causeLimit = 500;
const namesShown = 10;
const locationsShown = 5;

/** What is wrong with a machine, and since when. */
type Trouble = Pick<Cause, "condition" | "reason"> & { readonly sinceMs: number };

type Group = {
  readonly condition: Cause["condition"];
  readonly reason: string;
  readonly example: Machine;
  readonly first: string[];
  readonly locations: Map<string, number>;
  machines: number;
  firstAtMs: number;
  latestAtMs: number;
};

/** Groups the troubles of a fleet; constant time for each machine. */
export class CauseTally {
  readonly #groups = new Map<string, Group>();

  /** Counts a machine under its trouble. */
  add(machine: Machine): void {
    const trouble = troubleOf(machine);
    if (trouble === undefined) return;
    const { sinceMs } = trouble;
    const group = this.#groupOf(machine, trouble);
    const place = locationText(machine);
    group.machines += 1;
    group.locations.set(place, (group.locations.get(place) ?? 0) + 1);
    group.firstAtMs = Math.min(group.firstAtMs, sinceMs);
    group.latestAtMs = Math.max(group.latestAtMs, sinceMs);
    if (group.first.length < namesShown) group.first.push(nameOf(machine));
  }

  #groupOf(machine: Machine, { condition, reason: full, sinceMs }: Trouble): Group {
    const alike = withoutParticulars(full, machine);
    const isKnown = this.#groups.has(`${condition} ${alike}`);
    const reason = isKnown || this.#groups.size < causeLimit ? alike : "other reasons";
    const key = `${condition} ${reason}`;
    const group = this.#groups.get(key) ?? {
      ...{ condition, reason, example: machine, first: [], locations: new Map<string, number>() },
      ...{ machines: 0, firstAtMs: sinceMs, latestAtMs: sinceMs },
    };
    this.#groups.set(key, group);
    return group;
  }

  /** The causes, those of most machines first. A cause of one machine has its reason in full. */
  found(): CauseFound[] {
    return [...this.#groups.values()]
      .sort((a, b) => b.machines - a.machines || (a.reason < b.reason ? -1 : 1))
      .map((group) => {
        const { condition, example, machines, first, firstAtMs, latestAtMs } = group;
        const locations = [...group.locations].sort(([a, most], [b, more]) => more - most || compareNatural(a, b));
        const reason = machines === 1 ? (troubleOf(example)?.reason ?? group.reason) : group.reason;
        return {
          example,
          cause: {
            ...{ condition, reason, machines, first, firstAtMs, latestAtMs, locationCount: locations.length },
            locations: locations.slice(0, locationsShown).map(([place, machines]) => ({ place, machines })),
          },
        };
      });
  }
}

/** What to do about a cause, by what `why` says of its example. Advice in a reason is for one machine, and is read there. */
export function nextFor({ cause, example }: CauseFound, { next }: Pick<Why, "next">): string {
  const read = `birther why ${nameOf(example)}`;
  if (cause.condition === "placement")
    return `correct the cabling or placement.rules, before the burn-in ends; what it hears: birther show ${nameOf(example)}`;
  if (cause.condition === "conflict") return `to read the advice of one of them: ${read}`;
  return cause.condition === "debug" ? `the repair policy has given up; find the cause with ${read}` : next;
}

/** The first of a machine's conditions that needs someone; or that its birth cannot get a place by what it hears, or its mirror is degraded. */
function troubleOf(machine: Machine): Trouble | undefined {
  for (const trouble of troubles) {
    const found = machine.conditions.find(({ kind }) => kind === trouble);
    if (found !== undefined) return { condition: trouble, reason: found.reason, sinceMs: found.sinceMs };
  }
  const { heard, state, phaseAtMs = 0, mirror } = machine;
  if (state === "healthy" && mirror !== undefined && mirror.missing.length > 0)
    return { condition: "mirror", reason: describeMissing(mirror), sinceMs: mirror.sinceMs };
  if (state !== "birth" || heard?.kind !== "unplaced" || machine.placement !== undefined) return undefined;
  return { condition: "placement", reason: heard.reason, sinceMs: phaseAtMs };
}

/** Where a machine is, as far as it is known: its rack, its switch, or the network that it was last seen on. */
export function locationText(machine: Machine): string {
  const location = locationOf(machine);
  if (location?.rack !== undefined) return `rack ${location.rack}`;
  if (location !== undefined) return `switch ${location.switch}`;
  return machine.network === undefined ? "no known place" : `network ${machine.network}`;
}

/** MAC addresses, long hex numbers such as hashes, and numbers with the letters of a name or path around them. */
const particulars = /(?:[0-9a-f]{2}:){5}[0-9a-f]{2}|\b[0-9a-f]{12,}\b|\d+(?:[.:]\d+)*/gi;

/** A reason without what differs from machine to machine: its name, addresses and all numbers. */
function withoutParticulars(reason: string, { hostname }: Machine): string {
  const general = reason.replace(particulars, "…");
  // The numbers of a name are gone already, and what is left of it is the same for all machines.
  return hostname === undefined || /\d/.test(hostname) ? general : general.split(hostname).join("…");
}
