import { knownTime } from "../../clock-jump.ts";
import type { Machine, MachineIn } from "../record.ts";
import { conditionOf, nameOf, type Refuse, refused, type Transition, withoutConditions } from "./move.ts";
import { giveUp } from "./retire.ts";

/** The machine with the values of its announcement; values that the machine already has take precedence. */
export function mergeAnnouncement<M extends Machine>(machine: M, from: Machine): M {
  const { tags, groups, pinnedImage, plannedImage, disableUpdates, announced, hostname } = from;
  const kept = from.conditions.filter(
    ({ kind }) => (kind === "hold" || kind === "maintenance") && conditionOf(machine, kind) === undefined,
  );
  return {
    ...(pinnedImage === undefined ? {} : { pinnedImage, requiredImage: pinnedImage }),
    ...(plannedImage === undefined ? {} : { plannedImage }),
    ...(disableUpdates === undefined ? {} : { disableUpdates }),
    ...(groups === undefined ? {} : { groups }),
    ...(announced === undefined ? {} : { announced }),
    ...(announced?.hostname === undefined || hostname === undefined ? {} : { hostname }),
    ...machine,
    ...(tags === undefined ? {} : { tags: { ...tags, ...machine.tags } }),
    conditions: [...machine.conditions, ...kept],
  };
}

/** How long a machine must be silent before another machine may take over from it. */
export const silentBeforeTakeoverMs = 600_000;

/**
 * A newcomer takes the name and slot of a machine whose board was swapped, or that it replaces. The old record is retired: if
 * that board appears elsewhere, it is sent to its local disk. The newcomer is born in the slot that yields the old name.
 */
export const takeOver: Transition<"takeoverAuthorised", "unknown" | "birth"> = (machine, { from, by }, context) => {
  const old = context.byId(from);
  const fault = old === undefined ? `unknown machine ${from}` : whyNotSucceeded(machine, old, context.nowMs);
  if (old === undefined || fault !== undefined)
    return refused({
      kind: old === undefined ? "noSuchMachine" : "wrongState",
      message: fault ?? "",
      next: "list the machines with birther machines; retire a machine that is gone with birther retire NAME",
    });
  const hostname = old.hostname;
  const born = beginsAnew(machine);
  const successor: MachineIn<"birth"> = {
    ...mergeAnnouncement(withoutConditions(born, "conflict"), old),
    announced: { by, atMs: context.nowMs, ...(hostname === undefined ? {} : { hostname }) },
    ...(hostname === undefined ? {} : { hostname }),
    // Where only the board was swapped the old disks are in the machine: its birth must know the root disk from data disks.
    ...(old.storage === undefined ? {} : { storage: old.storage }),
  };
  const reason = `replaced by ${machine.id} (${by}); it is sent to its local disk until it is released`;
  return { kind: "changed", machine: successor, others: [giveUp(old, reason, context.nowMs)] };
};

/**
 * The newcomer as it is born next. An order that its init has taken is void: it does not name the disks of the old machine,
 * which may be in this one.
 */
function beginsAnew(machine: MachineIn<"unknown" | "birth">): MachineIn<"birth"> {
  if (machine.state === "unknown") return { ...machine, state: "birth", generation: machine.generation + 1 };
  const { order: _void, birthDisk: _chosen, ...kept } = machine;
  return kept;
}

function whyNotSucceeded(machine: Machine, old: Machine, nowMs: number): string | undefined {
  const agoMs = nowMs - knownTime(old.lastSeenAtMs, nowMs);
  if (machine.macs.length === 0)
    return `${nameOf(machine)} is only announced for a slot: no machine has appeared there yet`;
  if (old.id === machine.id) return `${nameOf(machine)} cannot take over from itself`;
  if (conditionOf(old, "retired") !== undefined) return `${old.id} is retired and has no name or slot to take over`;
  if (conditionOf(machine, "retired") !== undefined)
    return `${machine.id} is retired: expected a machine that is not, run birther release ${machine.id} first`;
  if (old.state !== "unknown" && agoMs < silentBeforeTakeoverMs)
    return `${nameOf(old)} is not gone: expected ${silentBeforeTakeoverMs / 1000} s of silence, found ${Math.round(agoMs / 1000)} s`;
  return undefined;
}

/** A cell that refuses a takeover by an installed machine. */
export const refuseSuccessor: Refuse = (machine) =>
  refused({
    kind: "wrongState",
    message: `${nameOf(machine)} is in state ${machine.state} and already has its own name and slot`,
    next: `to turn it into a newcomer: birther retire ${nameOf(machine)}, then birther release ${nameOf(machine)}`,
  });
