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

/** Why a record may not be written as it would become after an event of this size: only a large one makes it so. */
export function whyRecordTooLarge(machine: Machine, size: number): Refusal | undefined {
  if (size <= sizeLimits.large) return undefined;
  const { length } = JSON.stringify(machine);
  if (length <= sizeLimits.record) return undefined;
  return tooLarge(`the record of ${machine.id}: expected at most ${sizeLimits.record} characters, found ${length}`);
}

function tooLarge(message: string): Refusal {
  return { kind: "tooLarge", message, next: "look at what the machine reports: birther log NAME; wait a minute" };
}
