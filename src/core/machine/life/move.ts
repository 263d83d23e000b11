import type { Mac } from "../../net/mac.ts";
import type { Decision, MachineEvent, Refusal } from "../event.ts";
import type { Condition, ConditionKind, Machine, MachineId, Phase, SwitchPort, TimelineEntry } from "../record.ts";

/** What `decide` may know of the world besides the machine itself: the time, and who holds what in the fleet. */
export type Context = {
  readonly nowMs: number;
  /** The machine with this hostname (compared without case, as DNS does). */
  readonly nameHolder: (hostname: string) => Machine | undefined;
  /** The machine that has this address, dotted quad, as its permanent or temporary one. */
  readonly addressHolder: (address: string) => Machine | undefined;
  /** The machine that has a NIC with this hardware address. */
  readonly macHolder: (mac: Mac) => Machine | undefined;
  /** The record that announces what is to come to a switch port. */
  readonly announcedAt: (switchPort: SwitchPort) => Machine | undefined;
  /** The machine of an id. */
  readonly byId: (id: MachineId) => Machine | undefined;
};

export type EventKind = MachineEvent["kind"];
export type EventOf<K extends EventKind> = Extract<MachineEvent, { readonly kind: K }>;

/** One cell of the state × event table: what becomes of a machine in that state when that event comes. */
export type Transition<K extends EventKind> = (machine: Machine, event: EventOf<K>, context: Context) => Decision;

/** A cell that refuses, whatever the event. */
export type Refuse = (machine: Machine, event: MachineEvent) => Decision;

/** More entries than any birth has, room for a dozen retries; the oldest go first. */
const timelineLimit = 120;

/** The id of the machine that was first seen with this hardware address. */
export function machineIdFromMac(mac: Mac): MachineId {
  return `m-${mac.replace(/:/g, "")}` as MachineId;
}

/** How a person knows a machine: its hostname, or its id before it has one. */
export function nameOf(machine: Machine): string {
  return machine.hostname ?? machine.id;
}

/** The machine was changed (the caller of the move counts the revision). */
export function changed(machine: Machine): Decision {
  return { kind: "changed", machine };
}

/** The event is not accepted; `machine` is given when the refusal itself leaves a mark on the record. */
export function refused(refusal: Refusal, machine?: Machine): Decision {
  return machine === undefined ? { kind: "refused", refusal } : { kind: "refused", refusal, machine };
}

/** The record with a condition set; a condition that stands already keeps its beginning and takes the new reason. */
export function withCondition(
  machine: Machine,
  said: Pick<Condition, "kind" | "reason" | "remedy">,
  nowMs: number,
): Machine {
  const standing = conditionOf(machine, said.kind);
  const condition: Condition = { ...said, sinceMs: standing?.sinceMs ?? nowMs };
  return { ...machine, conditions: [...machine.conditions.filter((other) => other.kind !== said.kind), condition] };
}

/** The record without the conditions of these kinds. */
export function withoutConditions(machine: Machine, ...kinds: readonly ConditionKind[]): Machine {
  if (!machine.conditions.some((condition) => kinds.includes(condition.kind))) return machine;
  return { ...machine, conditions: machine.conditions.filter((condition) => !kinds.includes(condition.kind)) };
}

/** Whether another machine was found to have this NIC as well. */
export function isDisputed({ disputedMacs }: Machine, mac: Mac): boolean {
  return disputedMacs?.includes(mac) ?? false;
}

/** Whether who asks by this NIC may be installed as this machine, if its state says so: it is surely this one, and not given up. */
export function mayBeInstalled(machine: Machine, mac: Mac): boolean {
  return conditionOf(machine, "retired") === undefined && !isDisputed(machine, mac);
}

/** The standing condition of a kind, if there is one. */
export function conditionOf(machine: Machine, kind: ConditionKind): Condition | undefined {
  return machine.conditions.find((condition) => condition.kind === kind);
}

/**
 * The record with a phase seen now. The same phase again completes its line (a duration, a newer detail) instead of
 * adding one; an earlier phase adds a line, so that retries stay visible.
 */
export function withPhase(
  machine: Machine,
  seen: { readonly phase: Phase; readonly durationMs?: number; readonly detail?: string },
  nowMs: number,
): Machine {
  const last = machine.timeline[machine.timeline.length - 1];
  if (last?.phase === seen.phase && machine.phase === seen.phase) {
    const entry: TimelineEntry = { ...last, ...measured(seen) };
    if (entry.durationMs === last.durationMs && entry.detail === last.detail) return machine;
    return { ...machine, timeline: [...machine.timeline.slice(0, -1), entry] };
  }
  const entry: TimelineEntry = { phase: seen.phase, atMs: nowMs, ...measured(seen) };
  return {
    ...machine,
    phase: seen.phase,
    phaseAtMs: nowMs,
    timeline: [...machine.timeline, entry].slice(-timelineLimit),
  };
}

function measured(seen: { readonly durationMs?: number; readonly detail?: string }) {
  return {
    ...(seen.durationMs === undefined ? {} : { durationMs: seen.durationMs }),
    ...(seen.detail === undefined ? {} : { detail: seen.detail }),
  };
}
