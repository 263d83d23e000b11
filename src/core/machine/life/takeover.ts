import type { Machine } from "../record.ts";
import { conditionOf, nameOf, type Refuse, refused, type Transition, withoutConditions } from "./move.ts";
import { giveUp } from "./retire.ts";

/** What an announcement gives to the machine that turns out to be the announced one; what the machine has already stays. */
export function mergeAnnouncement(machine: Machine, from: Machine): Machine {
  const { tags, groups, pinnedImage, plannedImage, disableUpdates, announced, hostname } = from;
  const standing = from.conditions.filter(
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
    conditions: [...machine.conditions, ...standing],
  };
}

/** An operator's word that a machine that is heard no more has a successor is believed when it was silent for so long. */
export const silentBeforeTakeoverMs = 600_000;

/**
 * A newcomer takes the name and place of a machine whose board was swapped, or that it replaces. The old record is retired: should
 * that board come up elsewhere it is answered with local boot. The newcomer is born, at the place that gives the old name.
 */
export const takeOver: Transition<"takeoverAuthorised"> = (machine, { from, by }, context) => {
  const old = context.byId(from);
  const fault = old === undefined ? `there is no machine ${from}` : whyNotSucceeded(machine, old, context.nowMs);
  if (old === undefined || fault !== undefined)
    return refused({
      kind: old === undefined ? "noSuchMachine" : "wrongState",
      message: fault ?? "",
      next: "birther machines lists those that are; birther retire NAME gives one up that should be gone",
    });
  const hostname = old.hostname;
  const successor: Machine = {
    ...mergeAnnouncement(withoutConditions(machine, "conflict"), old),
    announced: { by, atMs: context.nowMs, ...(hostname === undefined ? {} : { hostname }) },
    ...(hostname === undefined ? {} : { hostname }),
    // Where only the board was swapped the old disks are in the machine: its birth must know the root disk from data disks.
    ...(old.storage === undefined ? {} : { storage: old.storage }),
    ...(machine.state === "unknown" ? { state: "birth" as const, generation: machine.generation + 1 } : {}),
  };
  const reason = `replaced by ${machine.id} (${by}); it is answered with local boot until it is released`;
  return { kind: "changed", machine: successor, others: [giveUp(old, reason, context.nowMs)] };
};

function whyNotSucceeded(machine: Machine, old: Machine, nowMs: number): string | undefined {
  const agoMs = nowMs - old.lastSeenAtMs;
  if (machine.macs.length === 0) return `${nameOf(machine)} is announced by its place only: nobody is there yet`;
  if (old.id === machine.id) return `${nameOf(machine)} cannot take over from itself`;
  if (conditionOf(old, "retired") !== undefined) return `${old.id} is retired: it has no name or place to take over`;
  if (conditionOf(machine, "retired") !== undefined) return `${machine.id} is retired; release it first`;
  if (old.state !== "unknown" && agoMs < silentBeforeTakeoverMs)
    return `${nameOf(old)} was heard ${Math.round(agoMs / 1000)} s ago: it is not gone`;
  return undefined;
}

/** A cell that refuses to make a machine with a name of its own another one. */
export const refuseSuccessor: Refuse = (machine) =>
  refused({
    kind: "wrongState",
    message: `${nameOf(machine)} is ${machine.state}: it has a name and a place of its own`,
    next: `to make it a newcomer: birther retire ${nameOf(machine)}, then birther release ${nameOf(machine)}`,
  });
