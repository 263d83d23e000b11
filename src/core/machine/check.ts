import { formatIpv4, type Ipv4 } from "../net/ipv4.ts";
import type { UnreadableDocument, UnreadableRecord } from "../ports.ts";
import { nameOf } from "./life/move.ts";
import type { Machine, MachineId } from "./record.ts";
import { refuseUnreadable } from "./unreadable-record.ts";

/** A state that no sequence of events can produce: the database is corrupt, or Birther has a bug. */
export type Inconsistency = {
  readonly kind:
    | "nameHeldTwice"
    | "addressHeldTwice"
    | "macHeldTwice"
    | "healthyWithoutPlace"
    | "orderForHealthy"
    | "orderAhead"
    | "noMac"
    | "retiredHolds"
    | "unreadableRecord"
    | "unreadableDocument";
  /** Ids of the machines concerned. */
  readonly machines: readonly string[];
  /** One sentence for the operator. */
  readonly message: string;
};

/** Things that only one machine may hold, with the keys under which a machine holds them. */
const uniqueThings: readonly {
  readonly kind: Inconsistency["kind"];
  readonly thing: string;
  readonly keys: (machine: Machine) => readonly (string | Ipv4 | undefined)[];
}[] = [
  { kind: "nameHeldTwice", thing: "name", keys: (machine) => [machine.hostname?.toLowerCase()] },
  {
    kind: "addressHeldTwice",
    thing: "address",
    keys: (machine) => [machine.permanentAddress, machine.temporaryAddress],
  },
  { kind: "macHeldTwice", thing: "MAC address", keys: (machine) => machine.macs },
];

/** Invariants of a single machine. */
const rules: readonly {
  readonly kind: Inconsistency["kind"];
  readonly broken: (machine: Machine) => boolean;
  readonly says: string;
}[] = [
  {
    kind: "noMac",
    broken: ({ macs, announced, conditions }) =>
      macs.length === 0 && announced === undefined && !isRetired({ conditions }),
    says: "has no MAC address",
  },
  {
    kind: "retiredHolds",
    broken: (machine) =>
      isRetired(machine) &&
      [machine.hostname, machine.permanentAddress, machine.order, machine.subTokenHash].some(
        (held) => held !== undefined,
      ),
    says: "is retired but holds a name, an address, an order or a credential",
  },
  {
    kind: "healthyWithoutPlace",
    broken: ({ state, hostname, permanentAddress, requiredImage }) =>
      state === "healthy" && (hostname === undefined || permanentAddress === undefined || requiredImage === undefined),
    says: "is healthy but lacks a name, an address or an image",
  },
  {
    kind: "orderForHealthy",
    broken: ({ state, order }) =>
      state === "healthy" &&
      order !== undefined &&
      order.taken === undefined &&
      order.action !== "resume" &&
      order.action !== "recover",
    says: "is healthy but has an open order for an installation",
  },
  {
    kind: "orderAhead",
    broken: ({ generation, order }) => order !== undefined && order.generation > generation,
    says: "has an order for a future generation",
  },
];

function isRetired({ conditions }: Pick<Machine, "conditions">): boolean {
  return conditions.some(({ kind }) => kind === "retired");
}

/** All inconsistencies in a fleet; expected to be empty. Linear in the number of machines. */
export function checkFleet(
  machines: readonly Machine[],
  unreadable: readonly UnreadableRecord[] = [],
): Inconsistency[] {
  const steps = checkFleetInSteps(machines, unreadable);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The documents that cannot be read, as `birther status` names them. */
export function documentFaults(documents: readonly UnreadableDocument[]): Inconsistency[] {
  return documents.map(({ kind, key, fault }) => {
    return { kind: "unreadableDocument", machines: [], message: `the ${kind} "${key}" cannot be read: ${fault}` };
  });
}

/** The same in steps of a machine each, for a caller that has other things to do in between. */
export function* checkFleetInSteps(
  machines: readonly Machine[],
  unreadable: readonly UnreadableRecord[],
): Generator<void, Inconsistency[], undefined> {
  const found: Inconsistency[] = unreadable.map((record) => {
    const { message, next } = refuseUnreadable(record);
    return { kind: "unreadableRecord", machines: [record.id], message: `${message}; ${next}` };
  });
  for (const unique of uniqueThings) found.push(...(yield* findShared(machines, unique)));
  for (const { kind, broken, says } of rules) {
    for (const machine of machines) {
      if (broken(machine)) found.push({ kind, machines: [machine.id], message: `${nameOf(machine)} ${says}` });
      yield;
    }
  }
  return found;
}

/** Checks a fleet change by change: each costs the same, whatever the size of the fleet. */
export type RunningCheck = {
  /** The inconsistencies of a machine's new record, alone and beside all others. */
  readonly changed: (machine: Machine) => readonly Inconsistency[];
  readonly gone: (id: MachineId) => void;
};

/** A check of an empty fleet. */
export function openRunningCheck(): RunningCheck {
  const holders = uniqueThings.map((unique) => ({ ...unique, held: new Map<string | Ipv4, Machine>() }));
  const records = new Map<MachineId, Machine>();
  function release(machine: Machine | undefined): void {
    if (machine === undefined) return;
    for (const { held, keys } of holders)
      for (const key of keys(machine)) if (key !== undefined && held.get(key)?.id === machine.id) held.delete(key);
  }
  return {
    gone: (id) => {
      release(records.get(id));
      records.delete(id);
    },
    changed: (machine) => {
      release(records.get(machine.id));
      records.set(machine.id, machine);
      const found: Inconsistency[] = rules
        .filter(({ broken }) => broken(machine))
        .map(({ kind, says }) => ({ kind, machines: [machine.id], message: `${nameOf(machine)} ${says}` }));
      for (const { kind, thing, keys, held } of holders)
        for (const key of keys(machine)) {
          if (key === undefined) continue;
          const holder = held.get(key);
          if (holder !== undefined && holder.id !== machine.id)
            found.push(heldTwice(kind, thing, key, [holder, machine]));
          held.set(key, machine);
        }
      return found;
    },
  };
}

function heldTwice(
  kind: Inconsistency["kind"],
  thing: string,
  key: string | Ipv4,
  group: readonly Machine[],
): Inconsistency {
  const shown = typeof key === "number" ? formatIpv4(key) : key;
  const message = `${thing} ${shown} is held by ${group.map(nameOf).join(" and ")}`;
  return { kind, machines: group.map(({ id }) => id), message };
}

/** The keys that several machines hold. A key's first holder stands alone, because nearly all keys have only one. */
function* findShared(
  machines: readonly Machine[],
  { kind, thing, keys }: (typeof uniqueThings)[number],
): Generator<void, Inconsistency[], undefined> {
  const first = new Map<string | Ipv4, Machine>();
  const shared = new Map<string | Ipv4, Set<Machine>>();
  for (const machine of machines) {
    for (const key of keys(machine)) {
      if (key === undefined) continue;
      const holder = first.get(key) ?? machine;
      first.set(key, holder);
      if (holder !== machine) shared.set(key, (shared.get(key) ?? new Set([holder])).add(machine));
    }
    yield;
  }
  return [...shared].map(([key, group]) => heldTwice(kind, thing, key, [...group]));
}
