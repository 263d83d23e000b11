import type { MachineEvent, Refusal } from "./event.ts";
import type { Machine, MachineId } from "./record.ts";

/**
 * Limits in characters of JSON. A scan with a hundred disks has 30,000, and a record some 50,000. Whoever has the credential
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

/** Why an event is too large, by itself or with those before it; undefined if it is not, and then it is counted. */
export function whyTooLarge(spent: LargeEvents, event: MachineEvent, nowMs: number): Refusal | undefined {
  const { length } = JSON.stringify(event);
  if (length <= sizeLimits.large || !("id" in event)) return undefined;
  if (length > sizeLimits.event)
    return tooLarge(`${event.kind} of ${event.id}: expected at most ${sizeLimits.event} characters, found ${length}`);
  for (const [id, { sinceMs }] of spent) if (Math.abs(nowMs - sinceMs) >= minuteMs) spent.delete(id);
  const { sinceMs = nowMs, characters = 0 } = spent.get(event.id) ?? {};
  if (characters + length > sizeLimits.largePerMinute)
    return tooLarge(`${event.id}: expected at most ${sizeLimits.largePerMinute} characters of reports within a minute`);
  spent.set(event.id, { sinceMs, characters: characters + length });
  return undefined;
}

/** Why a record may not be written as it would become: only a large event makes it so. */
export function whyRecordTooLarge(machine: Machine, event: MachineEvent): Refusal | undefined {
  if (JSON.stringify(event).length <= sizeLimits.large) return undefined;
  const { length } = JSON.stringify(machine);
  if (length <= sizeLimits.record) return undefined;
  return tooLarge(`the record of ${machine.id}: expected at most ${sizeLimits.record} characters, found ${length}`);
}

function tooLarge(message: string): Refusal {
  return { kind: "tooLarge", message, next: "look at what the machine reports: birther log NAME; wait a minute" };
}
