import { identityOf } from "../../hardware/disk-identity.ts";
import type { Refusal } from "../event.ts";
import type { Machine } from "../record.ts";
import {
  changed,
  conditionOf,
  nameOf,
  type Refuse,
  refused,
  type Transition,
  withCondition,
  withoutConditions,
  withPhase,
} from "./move.ts";
import { heldRefusal } from "./order.ts";

/**
 * The next life begins: a new generation, so that no order of the old one counts any more, and an empty timeline. There
 * is a way back until an order is taken; one who asks a second time does not make a new one.
 */
export function nextLife(
  machine: Machine,
  asked: { readonly state: "rebirth" | "clean"; readonly by: string; readonly override?: true },
  nowMs: number,
): Machine {
  const { phase, phaseAtMs, unheardBoots: _boots, mayMove: _moved, allowedDisk: _allowed, ...living } = machine;
  const kept = withoutPending(living);
  const { timeline, sentAway: before } = machine;
  const { state, by, override } = asked;
  const sentAway = { atMs: nowMs, by, ...(override === undefined ? {} : { override }) };
  const next: Machine = {
    ...kept,
    ...knownStorage(machine),
    ...{ state, sentAway, generation: machine.generation + 1, timeline: [] },
  };
  if (machine.state !== "healthy") return next;
  const seen = phase === undefined || phaseAtMs === undefined ? {} : { phase, phaseAtMs };
  return { ...next, wayBack: { ...seen, ...(before === undefined ? {} : { sentAway: before }), timeline } };
}

/** Records of older versions do not list the disks of the last birth: those of its last scan are what is known of them. */
function knownStorage({ storage, hardware }: Machine): Pick<Machine, "storage"> {
  if (storage === undefined || storage.disks !== undefined || hardware === undefined) return {};
  return { storage: { ...storage, disks: hardware.disks.map(identityOf) } };
}

/** Whatever is decided about it now, it is not the policy's any more. */
export function withoutPending<M extends Pick<Machine, "repair">>(machine: M): M {
  if (machine.repair?.pending === undefined) return machine;
  const { pending: _decided, ...repair } = machine.repair;
  return { ...machine, repair };
}

/**
 * An operator takes a rebirth or clean back. Only while no order of it was taken: after that the disks may be gone. The
 * generation keeps its number, so that an order of the one that was taken back never counts.
 */
export const cancelRebirth: Transition<"rebirthCancelled"> = (machine, _event, context) => {
  const {
    wayBack,
    order: _void,
    mayMove: _moved,
    allowedDisk: _allowed,
    sentAway: _stayed,
    phase: asked,
    phaseAtMs: _at,
    ...dropped
  } = machine;
  const kept = withoutPending(dropped);
  if (wayBack === undefined)
    return refused({
      kind: "wrongState",
      message: `the ${machine.state} of ${nameOf(machine)} has begun: its disks may be written already`,
      next: `birther hold ${nameOf(machine)} stops it if it has not come that far; otherwise let it end`,
    });
  const healthy: Machine = { ...kept, ...wayBack, state: "healthy" };
  // It has restarted since: it is not up before its sub is heard.
  const restarted = asked !== undefined && wayBack.phase === "up";
  return changed(restarted ? withPhase(healthy, { phase: "rebooting", detail: "asked PXE" }, context.nowMs) : healthy);
};

/** A cell that refuses to take back what nobody asked for. */
export const refuseNothingAsked: Refuse = (machine) =>
  refused({
    kind: "wrongState",
    message: `no rebirth or clean of ${nameOf(machine)} is asked for; it is in state ${machine.state}`,
    next:
      machine.state === "birth" ? `birther hold ${nameOf(machine)} keeps it from being born` : "nothing is to be done",
  });

/** Why no new rebirth or clean begins: the machine is on hold, or one is running that nobody asked to restart. */
function whyNotAnew(machine: Machine, { restart }: { readonly restart?: true }): Refusal | undefined {
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return heldRefusal(machine, hold.reason);
  if (machine.state === "healthy" || restart === true || !isRunning(machine)) return undefined;
  const { state } = machine;
  return {
    kind: "wrongState",
    message: `the ${state} of ${nameOf(machine)} is running since its order was taken (generation ${machine.generation})`,
    next: `wait until it ends, or begin it anew: birther ${state} ${nameOf(machine)} --restart`,
  };
}

/** Whether init has taken the order of the current generation, and the attempt has not ended in a failure or a conflict since. */
function isRunning(machine: Machine): boolean {
  const { order, generation } = machine;
  const failing = conditionOf(machine, "failing");
  const failed = failing !== undefined && failing.watched !== true;
  const gaveUp = failed || conditionOf(machine, "conflict") !== undefined;
  return !gaveUp && order?.generation === generation && order.taken !== undefined;
}

/** An operator asks for a rebirth, at another place if need be; a machine on hold is left alone. */
export const askRebirth: Transition<"rebirthAsked"> = (machine, event, { nowMs }) => {
  const refusal = whyNotAnew(machine, event);
  if (refusal !== undefined) return refused(refusal);
  const next = nextLife(machine, { ...event, state: "rebirth" }, nowMs);
  const { mayMove, newRootDisk, by } = event;
  return changed({
    ...next,
    ...(mayMove === undefined ? {} : { mayMove }),
    ...(newRootDisk === undefined ? {} : { allowedDisk: { ...newRootDisk, by } }),
  });
};

/** An operator asks for a clean. It has no burn-in, so it may not bring a machine that failed one back to work. */
export const askClean: Transition<"cleanAsked"> = (machine, event, { nowMs }) => {
  const refusal = whyNotAnew(machine, event);
  if (refusal !== undefined) return refused(refusal);
  if (conditionOf(machine, "debug") === undefined)
    return changed(nextLife(machine, { ...event, state: "clean" }, nowMs));
  return refused({
    kind: "wrongState",
    message: `${nameOf(machine)} failed its burn-in, and a clean would skip it`,
    next: `birther rebirth ${nameOf(machine)} tests it again`,
  });
};

/** A cell that refuses to install again what was never installed. */
export const refuseUnborn: Refuse = (machine) =>
  refused({
    kind: "wrongState",
    message: `${nameOf(machine)} is being born (state ${machine.state}); it has nothing to install again`,
    next: "reset it to begin the birth anew",
  });

/** A cell that refuses because the machine was given up, or only seen where nothing may be born. */
export const refuseOutsideNursery: Refuse = (machine) => {
  if (conditionOf(machine, "retired") !== undefined)
    return refused({
      kind: "notInNursery",
      message: `${nameOf(machine)} is retired: it is not born, wherever it asks`,
      next: `to let it be born again: birther release ${nameOf(machine)}`,
    });
  return refused({
    kind: "notInNursery",
    message:
      machine.network === undefined
        ? `${nameOf(machine)} was never seen on a network`
        : `${nameOf(machine)} was only seen on ${machine.network}, which is not a nursery`,
    next: "cable it to a nursery, or set nursery: true for that network in the configuration",
  });
};

/** A cell that refuses a word that nothing in this state can say. */
export const refuseState: Refuse = (machine, event) =>
  refused({
    kind: "wrongState",
    message: `${event.kind} makes no sense for ${nameOf(machine)} in state ${machine.state}`,
    next: "nothing: the word is late, or from an older life of the machine",
  });

/** Any but `retired`, which is more than a condition. */
export const setCondition: Transition<"conditionSet"> = (machine, event, context) =>
  event.condition === "retired"
    ? refuseState(machine, event)
    : changed(withCondition(machine, { kind: event.condition, reason: event.reason }, context.nowMs));

/** A condition ends. With `wipeBy` a first birth may erase what was found on the disks, also before anything was found. */
export const clearCondition: Transition<"conditionCleared"> = (machine, event, context) => {
  const { condition, wipeBy } = event;
  const stands = conditionOf(machine, condition) !== undefined;
  const mayBeFirst = machine.state === "birth" || machine.state === "unknown";
  const wipes = wipeBy !== undefined && mayBeFirst;
  if (!stands && !wipes)
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} has no condition ${condition}`,
      next: "nothing is to be done",
    });
  const cleared = withoutConditions(machine, condition);
  return changed(wipes ? { ...cleared, mayWipe: { by: wipeBy, atMs: context.nowMs } } : cleared);
};
