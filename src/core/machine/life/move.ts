import type { Ipv4 } from "../../net/ipv4.ts";
import type { Mac } from "../../net/mac.ts";
import type { Condition, ConditionKind } from "../condition.ts";
import type { Decision, MachineEvent, Refusal } from "../event.ts";
import type { SwitchPort } from "../heard-place.ts";
import type { Phase, TimelineEntry } from "../phase.ts";
import type { Machine, MachineId, MachineIn } from "../record.ts";
import type { MachineState } from "../state.ts";

/** What `decide` may know besides the machine itself: the time, and which machine holds a name, an address, a NIC or a slot. */
export type Context = {
  readonly nowMs: number;
  /** The machine with this hostname (case-insensitive, as in DNS). */
  readonly nameHolder: (hostname: string) => Machine | undefined;
  /** The machine that has this address as its permanent or temporary one. */
  readonly addressHolder: (address: Ipv4) => Machine | undefined;
  /** The machine that has a NIC with this MAC address. */
  readonly macHolder: (mac: Mac) => Machine | undefined;
  /** The record of the machine that is announced for a switch port. */
  readonly announcedAt: (switchPort: SwitchPort) => Machine | undefined;
  /** The number of machines whose board has this serial number or UUID, as `boardTexts` gives it. */
  readonly machinesWith: (boardText: string) => number;
  /** The machine with this id. */
  readonly byId: (id: MachineId) => Machine | undefined;
  /** The image that a machine requires: of a stream its current version, or the stream itself if it has none (image/stream). */
  readonly imageFor: (wanted: string, id: MachineId) => string;
  /** An external Dominator updates the machines after their first image: their agent may be silent, or gone. */
  readonly othersUpdate?: boolean;
};

export type EventKind = MachineEvent["kind"];
export type EventOf<K extends EventKind> = Extract<MachineEvent, { readonly kind: K }>;

/** One cell, or several, of the state × event table: the decision for a machine in one of these states when that event happens. */
export type Transition<K extends EventKind, S extends MachineState = MachineState> = (
  machine: MachineIn<S>,
  event: EventOf<K>,
  context: Context,
) => Decision;

/** A cell that refuses every event. */
export type Refuse = (machine: Machine, event: MachineEvent) => Decision;

/** More entries than a birth with a dozen retries has; the oldest are dropped first. */
const timelineLimit = 120;

/** The id of a machine that is first seen with this MAC address. */
export function machineIdFromMac(mac: Mac): MachineId {
  return `m-${mac.replace(/:/g, "")}` as MachineId;
}

/** The name to show to an operator: the hostname, or the id of a machine without one. */
export function nameOf(machine: Machine): string {
  return machine.hostname ?? machine.id;
}

/** The decision that changes a machine; `decide` counts the revision. */
export function changed(machine: Machine): Decision {
  return { kind: "changed", machine };
}

/** The decision that refuses an event; `machine` is the new record if the refusal itself changes it. */
export function refused(refusal: Refusal, machine?: Machine): Decision {
  return machine === undefined ? { kind: "refused", refusal } : { kind: "refused", refusal, machine };
}

/** The record with a condition set; a condition that is already set keeps its start and takes the new reason. */
export function withCondition<M extends Machine>(
  machine: M,
  said: Omit<Condition, "sinceMs" | "watched">,
  nowMs: number,
): M {
  const before = conditionOf(machine, said.kind);
  const condition: Condition = { ...said, sinceMs: before?.sinceMs ?? nowMs };
  return { ...machine, conditions: [...machine.conditions.filter((other) => other.kind !== said.kind), condition] };
}

/** The record without the conditions of these kinds. */
export function withoutConditions<M extends Pick<Machine, "conditions">>(
  machine: M,
  ...kinds: readonly ConditionKind[]
): M {
  if (!machine.conditions.some((condition) => kinds.includes(condition.kind))) return machine;
  return { ...machine, conditions: machine.conditions.filter((condition) => !kinds.includes(condition.kind)) };
}

/** Whether another machine was found to have the same MAC address. */
export function isDisputed({ disputedMacs }: Machine, mac: Mac): boolean {
  return disputedMacs?.includes(mac) ?? false;
}

/** Whether a request from this NIC may lead to an installation of this machine: its identity is certain and it is not retired. */
export function mayBeInstalled(machine: Machine, mac: Mac): boolean {
  return conditionOf(machine, "retired") === undefined && !isDisputed(machine, mac);
}

/** The condition of a kind, if it is set. */
export function conditionOf(machine: Machine, kind: ConditionKind): Condition | undefined {
  return machine.conditions.find((condition) => condition.kind === kind);
}

/**
 * The record with a phase that was observed now. A repeated phase completes its timeline entry (duration, newer detail)
 * instead of adding one; an earlier phase adds an entry, so that retries stay visible.
 */
export function withPhase<M extends Machine>(
  machine: M,
  seen: { readonly phase: Phase; readonly durationMs?: number; readonly detail?: string },
  nowMs: number,
): M {
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
