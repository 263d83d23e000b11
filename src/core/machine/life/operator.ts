import { identityOf } from "../../hardware/disk-identity.ts";
import type { Decision, Refusal } from "../event.ts";
import { otherDisks } from "../not-erased.ts";
import { isInstalled, type Machine, type MachineIn, type WayBack } from "../record.ts";
import type { InstalledState } from "../state.ts";
import type { StorageReport } from "../storage.ts";
import {
  type Context,
  changed,
  conditionOf,
  type EventOf,
  nameOf,
  type Refuse,
  refused,
  type Transition,
  withCondition,
  withoutConditions,
  withPhase,
} from "./move.ts";
import { heldRefusal } from "./order.ts";
import { whyNoReboot } from "./reboot.ts";

/**
 * Starts a new generation, which invalidates all orders of the old one, with an empty timeline and without *failing*. The rebirth or clean can be
 * cancelled until an order is taken; a second request does not change what a cancel restores. The disk that a running one
 * has chosen stays chosen, because that one has begun to erase it.
 */
export function nextLife(
  machine: MachineIn<InstalledState>,
  given: { readonly by: string; readonly override?: true },
  nowMs: number,
): Omit<MachineIn<"clean">, "state" | "erase"> {
  const { phase, phaseAtMs, unheardBoots: _boots, recovery: _off, mayMove: _moved, reboot: _due, ...present } = machine;
  const { allowedDisk: _allowed, erase: _erased, ...living } = present;
  const { state: _ended, wayBack: kept, ...lasting } = withoutPending(living);
  const { timeline, sentAway: before } = machine;
  const { by, override } = given;
  const seen = phase === undefined || phaseAtMs === undefined ? {} : { phase, phaseAtMs };
  const failing = conditionOf(machine, "failing");
  const back: WayBack = {
    ...seen,
    ...(before === undefined ? {} : { sentAway: before }),
    ...(failing === undefined ? {} : { failing }),
    timeline,
  };
  const wayBack = machine.state === "healthy" ? back : kept;
  return {
    // Failures from now on belong to the new generation.
    ...withoutConditions(lasting, "failing"),
    storage: knownStorage(machine),
    sentAway: { atMs: nowMs, by, ...(override === undefined ? {} : { override }) },
    ...{ generation: machine.generation + 1, timeline: [] },
    ...(wayBack === undefined ? {} : { wayBack }),
  };
}

/** Records of older versions do not list the disks of the last birth: those of its last scan are what is known of them. */
function knownStorage({ storage, hardware }: MachineIn<InstalledState>): StorageReport {
  if (storage.disks !== undefined || hardware === undefined) return storage;
  return { ...storage, disks: hardware.disks.map(identityOf) };
}

/** The record without a pending rebirth or a trial by policy: a decision of an operator, or the agent's poll, replaces it. */
export function withoutPending<M extends Pick<Machine, "repair">>(machine: M): M {
  if (machine.repair?.pending === undefined && machine.repair?.trial === undefined) return machine;
  const { pending: _decided, trial: _ended, ...repair } = machine.repair;
  return { ...machine, repair };
}

/**
 * An operator cancels a rebirth or clean, which is possible until its order is taken: after that the disks may be erased.
 * The generation keeps its number, so that an order of the cancelled rebirth or clean stays invalid.
 */
export const cancelRebirth: Transition<"rebirthCancelled", "rebirth" | "clean"> = (machine, _event, context) => {
  const {
    wayBack,
    order: _void,
    mayMove: _moved,
    allowedDisk: _allowed,
    erase: _kept,
    birthDisk: _chosen,
    reboot: _asked,
    sentAway: _stayed,
    phase: requestedPhase,
    phaseAtMs: _at,
    ...dropped
  } = machine;
  const kept = withoutPending(dropped);
  if (wayBack === undefined)
    return refused({
      kind: "wrongState",
      message: `the ${machine.state} of ${nameOf(machine)} has begun and its root disk may already be erased`,
      next: `to stop it before its disk is written: birther hold ${nameOf(machine)}; otherwise let it finish`,
    });
  const { failing, ...before } = wayBack;
  const quiet = withoutConditions(kept, "failing");
  const conditions = failing === undefined ? quiet.conditions : [...quiet.conditions, failing];
  const healthy: MachineIn<"healthy"> = { ...quiet, ...before, conditions, state: "healthy" };
  // The machine has restarted since: it is not up before its agent polls.
  const restarted = requestedPhase !== undefined && wayBack.phase === "up";
  return changed(
    restarted ? withPhase(healthy, { phase: "rebooting", detail: "PXE request" }, context.nowMs) : healthy,
  );
};

/** A restart through the agent is cancelled; one that has begun ends as it will. */
export const cancelReboot: Transition<"rebirthCancelled", "healthy"> = (machine, event) => {
  const { reboot, ...kept } = machine;
  return reboot === undefined ? refuseNothingPending(machine, event) : changed(kept);
};

/** A cell that refuses to cancel because no rebirth or clean is pending. */
export const refuseNothingPending: Refuse = (machine) =>
  refused({
    kind: "wrongState",
    message: `${nameOf(machine)} is in state ${machine.state}: no rebirth or clean is pending`,
    next: machine.state === "birth" ? `to stop its birth: birther hold ${nameOf(machine)}` : "no action is needed",
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

/** An operator requests a rebirth, with `mayMove` in another slot; refused while the machine is on hold. */
export const askRebirth: Transition<"rebirthAsked", InstalledState> = (machine, event, { nowMs }) => {
  const { mayMove, newRootDisk, by, reboot } = event;
  const refusal = whyNotAnew(machine, event) ?? (reboot === undefined ? undefined : whyNoReboot(machine, nowMs));
  if (refusal !== undefined) return refused(refusal);
  return changed({
    ...nextLife(machine, event, nowMs),
    state: "rebirth",
    ...(mayMove === undefined ? {} : { mayMove }),
    ...(newRootDisk === undefined ? {} : { allowedDisk: { ...newRootDisk, by } }),
    ...(reboot === undefined ? {} : { reboot: { by, atMs: nowMs, ...reboot } }),
  });
};

/** An operator requests a clean; refused in *debug*, because a clean skips the burn-in that the machine failed. */
export const askClean: Transition<"cleanAsked", InstalledState> = (machine, event, { nowMs }) => {
  const refusal = whyNotAnew(machine, event);
  if (refusal !== undefined) return refused(refusal);
  if (conditionOf(machine, "debug") !== undefined)
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} failed its burn-in, which a clean would skip`,
      next: `to test it again: birther rebirth ${nameOf(machine)}`,
    });
  const { sanitize, allDisks } = event;
  if (allDisks === true && machine.hardware === undefined)
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} has no scan on its record: its other disks are not known`,
      next: `to erase its root disk only: birther clean ${nameOf(machine)}`,
    });
  const erase = {
    ...(sanitize === undefined ? {} : { sanitize }),
    ...(allDisks === true ? { disks: otherDisks(machine) } : {}),
  };
  return changed({
    ...nextLife(machine, event, nowMs),
    state: "clean",
    ...(Object.keys(erase).length === 0 ? {} : { erase }),
  });
};

/** A cell that refuses a rebirth or clean of a machine that was never installed. */
export const refuseUnborn: Refuse = (machine) =>
  refused({
    kind: "wrongState",
    message: `${nameOf(machine)} is in state ${machine.state} and was never installed`,
    next: "to restart its birth, reset it",
  });

/** A cell that refuses to restart a machine on which no agent runs. */
export const refuseNoAgent: Refuse = (machine) =>
  refused({
    kind: "wrongState",
    message: `${nameOf(machine)} is in state ${machine.state}: no agent runs on it that could restart it`,
    next: "reset it by its power button or its management controller",
  });

/** A cell that refuses because the machine is retired, or was seen only on networks that are not a nursery. */
export const refuseOutsideNursery: Refuse = (machine) => {
  if (conditionOf(machine, "retired") !== undefined)
    return refused({
      kind: "notInNursery",
      message: `${nameOf(machine)} is retired and is not born on any network`,
      next: `to allow its birth: birther release ${nameOf(machine)}`,
    });
  return refused({
    kind: "notInNursery",
    message:
      machine.network === undefined
        ? `${nameOf(machine)} was never seen on a network`
        : `${nameOf(machine)} was seen only on ${machine.network}, which is not a nursery`,
    next: "connect it to a nursery network, or set nursery: true for that network in the configuration",
  });
};

/** A cell that refuses an event that cannot happen in this state. */
export const refuseState: Refuse = (machine, event) =>
  refused({
    kind: "wrongState",
    message: `${nameOf(machine)} is in state ${machine.state} and cannot accept ${event.kind}`,
    next: "no action is needed: the report is late, or from an earlier generation of the machine",
  });

/** Sets any condition except `retired`, which changes more than the condition. */
export const setCondition: Transition<"conditionSet"> = (machine, event, context) =>
  event.condition === "retired"
    ? refuseState(machine, event)
    : changed(withCondition(machine, { kind: event.condition, reason: event.reason }, context.nowMs));

/**
 * Clears a condition; refused if it is not set. With `wipeBy`, a first birth may erase data on the disks, even before any is
 * found. With `newTpmBy`, the machine is no longer bound to its TPM, and a conflict about that ends.
 */
export const clearCondition: Transition<"conditionCleared"> = (machine, event, context) => {
  if (event.newTpmBy === undefined) return endCondition(machine, event, context);
  const { tpm, ...unbound } = machine;
  if (tpm === undefined)
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} is not bound to a TPM`,
      next: "no action is needed: the first TPM that it proves is trusted",
    });
  const ours = conditionOf(machine, "conflict")?.untilProof === true;
  const free = ours ? withoutConditions(unbound, "conflict") : unbound;
  const ended = endCondition(free, event, context);
  return ended.kind === "changed" ? ended : changed(free);
};

function endCondition(machine: Machine, event: EventOf<"conditionCleared">, context: Context): Decision {
  const { condition, wipeBy } = event;
  const stands = conditionOf(machine, condition) !== undefined;
  const wipes = wipeBy !== undefined && !isInstalled(machine);
  if (!stands && !wipes)
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} does not have the condition ${condition}`,
      next: "no action is needed",
    });
  if (!wipes) return changed(withoutConditions(machine, condition));
  return changed({ ...withoutConditions(machine, condition), mayWipe: { by: wipeBy, atMs: context.nowMs } });
}
