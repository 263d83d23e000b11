import type { MachineEvent, Refusal } from "./event.ts";
import type { Machine, MachineId } from "./record.ts";

/**
 * Limits in characters of JSON. A scan with a hundred disks has 30,000, and a record some 50,000. A holder of the credential
 * of one machine must not fill the memory and the disk of the server, nor keep it from starting again.
 */
export const sizeLimits = {
  event: 64 << 10,
  record: 256 << 10,
  /** Events that count against the budget of their machine. */
  large: 4 << 10,
  /** Large events of one machine within a minute. */
  largePerMinute: 512 << 10,
  /** A stored record beyond this is not read; none that is written now is as large. */
  stored: 512 << 10,
  /** Records up to this size are bounded by their number; the rest of larger ones by a budget of the whole fleet. */
  usualRecord: 16 << 10,
  /** Events that may make a record larger by what is worth measuring. */
  measured: 1 << 10,
} as const;

/** Large events that machines have sent since a time. */
export type LargeEvents = Map<MachineId, { readonly sinceMs: number; readonly characters: number }>;

const minuteMs = 60_000;

/** The size of an event, which the other functions take, so that it is written out only once: characters of JSON. */
export function sizeOf(event: MachineEvent): number {
  return JSON.stringify(event).length;
}

/** Why an event is too large, by itself or with those before it; undefined if it is not, and then it is counted. */
export function whyTooLarge(
  spent: LargeEvents,
  { event, size }: { readonly event: MachineEvent; readonly size: number },
  nowMs: number,
): Refusal | undefined {
  if (size <= sizeLimits.large || !("id" in event)) return undefined;
  if (size > sizeLimits.event)
    return tooLarge(`${event.kind} of ${event.id}: expected at most ${sizeLimits.event} characters, found ${size}`);
  forgetOld(spent, nowMs);
  const before = spent.get(event.id);
  const counted =
    before !== undefined && isOfThisMinute(before.sinceMs, nowMs) ? before : { sinceMs: nowMs, characters: 0 };
  const characters = counted.characters + size;
  if (characters > sizeLimits.largePerMinute)
    return tooLarge(`${event.id}: expected at most ${sizeLimits.largePerMinute} characters of reports within a minute`);
  if (counted !== before) spent.delete(event.id);
  spent.set(event.id, { ...counted, characters });
  return undefined;
}

function isOfThisMinute(sinceMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - sinceMs) < minuteMs;
}

/** Forgets counts from the front of the map: one enters it at its end, so the oldest come first unless the clock was set. */
function forgetOld(spent: LargeEvents, nowMs: number): void {
  for (const [id, { sinceMs }] of spent) {
    if (isOfThisMinute(sinceMs, nowMs)) return;
    spent.delete(id);
  }
}

/** The sizes of the records beyond the usual one, in characters of JSON. */
export type LargeRecords = {
  /** Why a record may not be written as it would become after an event of this size; undefined if it may, and then it is counted. */
  readonly whyTooLarge: (machine: Machine, eventSize: number) => Refusal | undefined;
  /** Counts a record that is there. */
  readonly note: (machine: Machine) => void;
  /** The record is no longer there. */
  readonly forget: (id: MachineId) => void;
};

/**
 * Counts large records; beyond `budget` characters together they may not grow, because any host on a nursery can invent
 * machines, and the server must have the memory for all of them.
 */
export function largeRecords(budget: number): LargeRecords {
  const excessOf = new Map<MachineId, number>();
  let total = 0;

  function count(id: MachineId, characters: number): void {
    const excess = Math.max(0, characters - sizeLimits.usualRecord);
    total += excess - (excessOf.get(id) ?? 0);
    if (excess > 0) excessOf.set(id, excess);
    else excessOf.delete(id);
  }

  return {
    whyTooLarge: (machine, eventSize) => {
      if (eventSize <= sizeLimits.measured) return undefined;
      const characters = JSON.stringify(machine).length;
      if (characters > sizeLimits.record)
        return tooLarge(
          `the record of ${machine.id}: expected at most ${sizeLimits.record} characters, found ${characters}`,
        );
      const growth = characters - sizeLimits.usualRecord - (excessOf.get(machine.id) ?? 0);
      if (growth > 0 && total + growth > budget) return fleetTooLarge(machine.id, budget);
      count(machine.id, characters);
      return undefined;
    },
    note: (machine) => count(machine.id, JSON.stringify(machine).length),
    forget: (id) => count(id, 0),
  };
}

function tooLarge(message: string): Refusal {
  return { kind: "tooLarge", message, next: "look at what the machine reports: birther log NAME; wait a minute" };
}

function fleetTooLarge(id: MachineId, budget: number): Refusal {
  const message = `${id}: the records of the fleet beyond ${sizeLimits.usualRecord} characters each: expected at most ${budget} characters together`;
  const next =
    "retire machines that do not exist (birther retire); or give the server more memory: NODE_OPTIONS=--max-old-space-size=MIB";
  return { kind: "tooLarge", message, next };
}
