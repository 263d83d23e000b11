import type { OfOrder, Refusal } from "../event.ts";
import { type BirthAction, type Machine, phases } from "../record.ts";
import {
  changed,
  conditionOf,
  type EventOf,
  isDisputed,
  nameOf,
  type Refuse,
  refused,
  type Transition,
  withoutConditions,
  withPhase,
} from "./move.ts";
import { claimSlot } from "./place.ts";

const resetAgain = "reset the machine, so that it fetches a new boot script";

/** A boot script is made: the newest token is the only one that counts. */
export const issueOrder: Transition<"orderIssued"> = (machine, event) => {
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return refused(heldRefusal(machine, hold.reason));
  return changed({
    ...machine,
    order: {
      tokenHash: event.tokenHash,
      action: machine.state as BirthAction,
      generation: machine.generation,
      expiresAtMs: event.expiresAtMs,
    },
  });
};

/** Why a report does not belong to the order that counts now; undefined if it does, or names none. */
export function whyNotOfOrder(machine: Machine, { order: claimed }: OfOrder): Refusal | undefined {
  if (claimed === undefined) return undefined;
  const { order } = machine;
  const current =
    claimed.generation === machine.generation &&
    order?.taken !== undefined &&
    order.generation === claimed.generation &&
    order.action === claimed.action;
  return current ? undefined : staleOrder(machine);
}

/** init presents its token. The same boot may ask again (the answer may have been lost) and then gets a new session. */
export const takeOrder: Transition<"orderTaken"> = (machine, event, context) => {
  const refusal = whyNotTaken(machine, event, context.nowMs);
  if (refusal !== undefined || machine.order === undefined) return refused(refusal ?? unknownToken(machine));
  const taken = { bootId: event.bootId, sessionHash: event.sessionHash, atMs: context.nowMs };
  const { wayBack: _gone, ...kept } = machine;
  const heard = { ...kept, lastSeenAtMs: context.nowMs, order: { ...machine.order, taken } };
  return changed(machine.order.taken === undefined ? withPhase(heard, { phase: "initUp" }, context.nowMs) : heard);
};

function whyNotTaken(machine: Machine, event: EventOf<"orderTaken">, nowMs: number): Refusal | undefined {
  const { order } = machine;
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return heldRefusal(machine, hold.reason);
  if (order === undefined || order.tokenHash !== event.tokenHash) return unknownToken(machine);
  if (!machine.macs.includes(event.mac) || isDisputed(machine, event.mac)) {
    return {
      kind: "foreignToken",
      message: `the token was made for ${nameOf(machine)}, but ${event.mac} presents it`,
      next: resetAgain,
    };
  }
  if (order.generation !== machine.generation || order.action !== machine.state) return staleOrder(machine);
  if (order.taken !== undefined && order.taken.bootId !== event.bootId) {
    return { kind: "usedToken", message: `another boot of ${nameOf(machine)} has used this token`, next: resetAgain };
  }
  if (nowMs >= order.expiresAtMs) {
    return { kind: "expiredToken", message: `the token of ${nameOf(machine)} has expired`, next: resetAgain };
  }
  return undefined;
}

/** init asks to be declared healthy: only for the generation that it took the order of, and with a free name and address. */
export const becomeHealthy: Transition<"becameHealthy"> = (machine, event, context) => {
  const { order } = machine;
  const current = event.generation === machine.generation && order?.generation === machine.generation;
  if (!current || order?.taken === undefined || order.action !== machine.state) return refused(staleOrder(machine));
  const claim = claimSlot(machine, event, context);
  if (claim.kind === "refused") return claim.decision;
  const {
    temporaryAddress: _free,
    runningImage: _before,
    announced: _come,
    mayMove: _moved,
    mayWipe: _wiped,
    birthDisk: _chosen,
    allowedDisk: _allowed,
    ...kept
  } = claim.successor;
  // What failed its burn-in is to be looked at, whatever it was meant for.
  const pinned = conditionOf(machine, "debug") === undefined ? kept.pinnedImage : undefined;
  const healthy: Machine = {
    ...kept,
    state: "healthy",
    hostname: event.hostname,
    permanentAddress: event.address,
    placement: event.placement,
    requiredImage: pinned ?? event.image,
    storage: event.storage,
    subTokenHash: event.subTokenHash,
    lastSeenAtMs: context.nowMs,
  };
  const mended = withoutConditions(healthy, "failing", "conflict");
  return claim.absorbed.length === 0 ? changed(mended) : { kind: "changed", machine: mended, absorbed: claim.absorbed };
};

/**
 * The same boot says again what was accepted already: its answer was lost, so the sub's credential is replaced.
 * Nothing is installed twice: the generation was used up by the first time.
 */
export const confirmHealthy: Transition<"becameHealthy"> = (machine, event, context) => {
  const same =
    event.generation === machine.generation &&
    machine.order?.taken !== undefined &&
    event.hostname === machine.hostname &&
    event.address === machine.permanentAddress &&
    (event.image === machine.requiredImage || machine.pinnedImage !== undefined);
  const handedOver = machine.phase !== undefined && phases.indexOf(machine.phase) >= phases.indexOf("handedOver");
  if (!same || handedOver) return refused(staleOrder(machine));
  return changed({ ...machine, subTokenHash: event.subTokenHash, lastSeenAtMs: context.nowMs });
};

/** A cell that refuses because the order is not, or no longer, one for this machine's state. */
export const refuseStale: Refuse = (machine) => refused(staleOrder(machine));

function staleOrder(machine: Machine): Refusal {
  const healthy = machine.state === "healthy";
  return {
    kind: "staleOrder",
    message: healthy
      ? `${nameOf(machine)} is healthy; no rebirth or clean of it was asked for`
      : `the order is not for generation ${machine.generation} (${machine.state}) of ${nameOf(machine)}`,
    next: healthy ? `to install it again: birther rebirth ${nameOf(machine)}` : resetAgain,
  };
}

function unknownToken(machine: Machine): Refusal {
  return {
    kind: "unknownToken",
    message: `the token is not the newest that was made for ${nameOf(machine)}`,
    next: resetAgain,
  };
}

/** Why a machine on hold gets nothing. */
export function heldRefusal(machine: Machine, reason: string): Refusal {
  return {
    kind: "held",
    message: `${nameOf(machine)} is on hold: ${reason}`,
    next: `when that is settled: birther release ${nameOf(machine)}`,
  };
}
