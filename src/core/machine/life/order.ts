import { isAhead } from "../../clock-jump.ts";
import { shortKey, whyNotBound } from "../../tpm/claim.ts";
import type { Decision, OfOrder, Refusal } from "../event.ts";
import { mayResume, mustProveBoot, orderActionOf } from "../next-boot.ts";
import { phases } from "../phase.ts";
import type { Machine, MachineIn } from "../record.ts";
import type { BirthAction } from "../state.ts";
import {
  changed,
  conditionOf,
  type EventOf,
  isDisputed,
  nameOf,
  type Refuse,
  refused,
  type Transition,
  withCondition,
  withoutConditions,
  withPhase,
} from "./move.ts";
import { claimSlot } from "./place.ts";
import { requiredOf } from "./required-image.ts";

const resetAgain = "reset the machine to fetch a new boot script";

/** A boot script was created: only its token is valid from now on. */
export const issueOrder: Transition<"orderIssued", BirthAction | "healthy"> = (machine, event, context) => {
  const action = orderActionOf(machine);
  if (action === undefined) return refused(staleOrder(machine));
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return refused(heldRefusal(machine, hold.reason));
  return changed({
    ...machine,
    order: {
      tokenHash: event.tokenHash,
      action,
      generation: machine.generation,
      expiresAtMs: event.expiresAtMs,
      issuedAtMs: context.nowMs,
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

/** init presents its token. The same boot may repeat the request (the answer may be lost) and then gets a new session. */
export const takeOrder: Transition<"orderTaken", BirthAction | "healthy"> = (presenter, event, context) => {
  const refusal = whyNotTaken(presenter, event, context.nowMs);
  if (refusal !== undefined || presenter.order === undefined) return refused(refusal ?? unknownToken(presenter));
  const stranger = whyOtherTpm(presenter, event);
  if (stranger !== undefined) return refused(stranger, withStranger(presenter, stranger, context.nowMs));
  const machine = boundTo(presenter, event, context.nowMs);
  if (mustProveBoot(machine)) return proveBoot(machine, context.nowMs);
  const taken = { bootId: event.bootId, sessionHash: event.sessionHash, atMs: context.nowMs };
  const order = { ...presenter.order, taken };
  const { wayBack: _gone, reboot: _begun, ...kept } = machine;
  const seen = { ...kept, lastSeenAtMs: context.nowMs, order };
  return changed(presenter.order.taken === undefined ? withPhase(seen, { phase: "initUp" }, context.nowMs) : seen);
};

/**
 * A boot that the repair policy asked for is proved: its token is spent, and the disk gets its chance. The agent stays silent,
 * so `lastSeenAtMs` does not change.
 */
function proveBoot(machine: Machine, nowMs: number): Decision {
  const { order: _spent, ...kept } = machine;
  const { repair = { rebirthsAtMs: [], atMs: nowMs } } = machine;
  const trial = { boots: (repair.trial?.boots ?? 0) + 1, atMs: nowMs };
  const refusal: Refusal = {
    kind: "bootProved",
    message: `${nameOf(machine)} has proved that it restarts; nothing is installed now`,
    next: "no action is needed: it restarts and boots its disk, and is installed only if its agent stays silent",
  };
  return refused(refusal, { ...kept, repair: { ...repair, trial } });
}

/** The first TPM that a machine proves is its TPM from then on; a conflict about a token without a proof is over. */
function boundTo<M extends Machine>(machine: M, { tpm: claim }: EventOf<"orderTaken">, nowMs: number): M {
  if (claim?.kind !== "proved") return machine;
  const settled =
    conditionOf(machine, "conflict")?.untilProof === true ? withoutConditions(machine, "conflict") : machine;
  return { ...settled, tpm: machine.tpm ?? { ekSha256: claim.ekSha256, firstSeenMs: nowMs } };
}

/** Refuses a valid token that comes without a proof of the machine's TPM: it was stolen, or the board or TPM was replaced. */
function whyOtherTpm(machine: Machine, event: EventOf<"orderTaken">): Refusal | undefined {
  const { tpm } = machine;
  const why = whyNotBound(tpm, event.tpm);
  if (tpm === undefined || why === undefined) return undefined;
  const name = nameOf(machine);
  return {
    kind: "otherTpm",
    message: `the token of ${name}: expected its endorsement key ${shortKey(tpm.ekSha256)}, found ${why.found}`,
    next: `${why.check}; if its board or TPM was replaced: birther release ${name} --accept-tpm`,
  };
}

/** The record with a conflict about a token without a proof; undefined if it says so already, and nothing is to be written. */
function withStranger(machine: Machine, { message, next }: Refusal, nowMs: number): Machine | undefined {
  const reason = `${message}: ${next}`;
  const before = conditionOf(machine, "conflict");
  if (before?.untilProof === true && before.reason === reason) return undefined;
  return withCondition(machine, { kind: "conflict", reason, untilProof: true }, nowMs);
}

function whyNotTaken(machine: Machine, event: EventOf<"orderTaken">, nowMs: number): Refusal | undefined {
  const { order } = machine;
  const action = orderActionOf(machine);
  if (action === undefined) return staleOrder(machine);
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return heldRefusal(machine, hold.reason);
  if (order === undefined || order.tokenHash !== event.tokenHash) return unknownToken(machine);
  if (!machine.macs.includes(event.mac) || isDisputed(machine, event.mac)) {
    return {
      kind: "foreignToken",
      message: `expected the token from a NIC of ${nameOf(machine)}, found ${event.mac}`,
      next: resetAgain,
    };
  }
  if (order.generation !== machine.generation || order.action !== action) return staleOrder(machine);
  if (order.taken !== undefined && order.taken.bootId !== event.bootId) {
    return {
      kind: "usedToken",
      message: `another boot of ${nameOf(machine)} has already used this token`,
      next: resetAgain,
    };
  }
  // A token that was issued while the clock was ahead would stay valid for as long as that.
  if (nowMs >= order.expiresAtMs || isAhead(order.issuedAtMs ?? 0, nowMs)) {
    return { kind: "expiredToken", message: `the token of ${nameOf(machine)} has expired`, next: resetAgain };
  }
  return undefined;
}

/** init requests to be declared healthy: it needs a taken order of this generation, and a free name and address. */
export const becomeHealthy: Transition<"becameHealthy", BirthAction> = (machine, event, context) => {
  const { order } = machine;
  const current = event.generation === machine.generation && order?.generation === machine.generation;
  if (!current || order?.taken === undefined || order.action !== machine.state) return refused(staleOrder(machine));
  const claim = claimSlot(machine, event.placement, context);
  if (claim.kind === "refused") return claim.decision;
  const {
    temporaryAddress: _free,
    runningImage: _before,
    ownSystem: _gone,
    didNotAskAtMs: _silently,
    imageStream: _earlier,
    agent: _former,
    measuredBoot: _measured,
    diskKey: _sealed,
    mirror: _mirrored,
    announced: _come,
    mayMove: _moved,
    mayWipe: _wiped,
    birthDisk: _chosen,
    allowedDisk: _allowed,
    erase: _erased,
    wayBack: _back,
    reboot: _begun,
    ...kept
  } = claim.successor;
  // A machine that failed its burn-in needs a diagnosis, so the pinned image does not apply.
  const pinned = conditionOf(machine, "debug") === undefined ? kept.pinnedImage : undefined;
  const wanted = pinned ?? event.image;
  const healthy: MachineIn<"healthy"> = {
    ...kept,
    state: "healthy",
    order: { ...order, taken: order.taken },
    hostname: event.placement.hostname,
    permanentAddress: event.placement.address,
    placement: event.placement,
    ...requiredOf(wanted, machine.id, context),
    storage: event.storage,
    subTokenHash: event.subTokenHash,
    awaitsFirstImage: true,
    lastSeenAtMs: context.nowMs,
  };
  const cleared = withoutConditions(healthy, "failing", "conflict");
  return claim.absorbed.length === 0
    ? changed(cleared)
    : { kind: "changed", machine: cleared, absorbed: claim.absorbed };
};

/**
 * The same boot repeats a request that was accepted: the answer was lost, so the agent's credential is replaced.
 * Nothing is installed twice, because the first request used up the generation.
 */
export const confirmHealthy: Transition<"becameHealthy", "healthy"> = (machine, event, context) => {
  const same =
    event.generation === machine.generation &&
    machine.order?.taken !== undefined &&
    machine.order.action !== "resume" &&
    event.placement.hostname === machine.hostname &&
    event.placement.address === machine.permanentAddress &&
    (event.image === (machine.imageStream ?? machine.requiredImage) || machine.pinnedImage !== undefined);
  const handedOver = machine.phase !== undefined && phases.indexOf(machine.phase) >= phases.indexOf("handedOver");
  if (!same || handedOver) return refused(staleOrder(machine));
  return changed({ ...machine, subTokenHash: event.subTokenHash, lastSeenAtMs: context.nowMs });
};

/** The agent of a machine that awaits its first image goes on, with a new credential: the one on its disk may be missing. */
export const resumeAgent: Transition<"agentResumed", "healthy"> = (machine, event, context) => {
  const { order } = machine;
  if (order?.taken === undefined || order.action !== "resume" || !mayResume(machine))
    return refused(staleOrder(machine));
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return refused(heldRefusal(machine, hold.reason));
  return changed({ ...machine, subTokenHash: event.subTokenHash, lastSeenAtMs: context.nowMs });
};

/** A cell that refuses because the order does not match the state and generation of the machine. */
export const refuseStale: Refuse = (machine) => refused(staleOrder(machine));

function staleOrder(machine: Machine): Refusal {
  const healthy = machine.state === "healthy";
  return {
    kind: "staleOrder",
    message: healthy
      ? `${nameOf(machine)} is healthy: no rebirth or clean is pending`
      : `expected an order for generation ${machine.generation} (${machine.state}) of ${nameOf(machine)}, found one for an earlier generation`,
    next: healthy ? `to install it again: birther rebirth ${nameOf(machine)}` : resetAgain,
  };
}

function unknownToken(machine: Machine): Refusal {
  return {
    kind: "unknownToken",
    message: `the token is not the newest token of ${nameOf(machine)}`,
    next: resetAgain,
  };
}

/** The refusal for a machine on hold. */
export function heldRefusal(machine: Machine, reason: string): Refusal {
  return {
    kind: "held",
    message: `${nameOf(machine)} is on hold: ${reason}`,
    next: `when the reason no longer applies: birther release ${nameOf(machine)}`,
  };
}
