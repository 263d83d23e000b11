import type { MachineEvent } from "../event.ts";
import { type Machine, phases } from "../record.ts";
import {
  changed,
  conditionOf,
  type EventOf,
  isDisputed,
  machineIdFromMac,
  mayBeInstalled,
  nameOf,
  refused,
  type Transition,
  withCondition,
  withoutConditions,
  withPhase,
} from "./move.ts";

/** The record of a machine that nobody had described: born at once on a nursery, only noted elsewhere. */
export function firstSeen(event: EventOf<"pxeAsked">, nowMs: number): Machine {
  return {
    id: machineIdFromMac(event.mac),
    revision: 0,
    createdAtMs: nowMs,
    macs: [event.mac],
    state: "unknown",
    generation: 0,
    conditions: [],
    pxe: { requests: 0, responses: 0, lastRequestAtMs: nowMs, lastAnswer: "" },
    lastSeenAtMs: nowMs,
    timeline: [],
  };
}

/** An unknown machine asks: on a nursery it is born (state `birth`, generation 1), elsewhere only counted. */
export const askUnknown: Transition<"pxeAsked"> = (machine, event, context) =>
  event.nursery && mayBeInstalled(machine, event.mac)
    ? askForBirth({ ...machine, state: "birth", generation: machine.generation + 1 }, event, context)
    : noteRequest(machine, event, context);

/** A machine that is to be installed asks: a new attempt begins, unless it is only our loader asking the second time. */
export const askForBirth: Transition<"pxeAsked"> = (machine, event, context) => {
  if (event.withheld || !mayBeInstalled(machine, event.mac)) return noteRequest(machine, event, context);
  const chained = event.stage === "loader" && (machine.phase === "loaderSent" || machine.phase === "kernelSent");
  const detail = `${event.stage}: ${event.answer}`;
  const seen = chained ? machine : withPhase(machine, { phase: "offered", detail }, context.nowMs);
  return noteRequest(seen, event, context);
};

/**
 * A healthy machine asks: it must have restarted, and is not up until its sub is heard again. One that never ran an image
 * and was not told to restart has nothing on its disk to boot: the power went, or the watchdog came. It is told to boot
 * locally all the same, since no word from the network may lead to a wipe; the condition says what an operator can do.
 */
export const askHealthy: Transition<"pxeAsked"> = (machine, event, context) => {
  const { phase, runningImage } = machine;
  // Who asks by a disputed address may be another machine: nothing follows from it.
  if (event.withheld || phase === undefined || isDisputed(machine, event.mac))
    return noteRequest(machine, event, context);
  if (phase === "rebooting") return noteRequest(countBoot(machine, context.nowMs), event, context);
  if (phase === "up" || runningImage !== undefined) {
    const restarted = withPhase(machine, { phase: "rebooting", detail: "asked PXE" }, context.nowMs);
    return noteRequest(countBoot(restarted, context.nowMs), event, context);
  }
  const reason = `restarted before its image was installed (last seen: ${phase}): it has nothing to boot; ask for its rebirth`;
  return noteRequest(
    withCondition(machine, { kind: "failing", reason, remedy: "rebirth" }, context.nowMs),
    event,
    context,
  );
};

/** Requests closer together are one boot: DISCOVER and REQUEST, then the loader's. A round through firmware and disk takes longer. */
const sameBootMs = 20_000;
/** Firmware with several NICs may ask twice in one start, but hardly a third time so much later. */
export const unheardBootsLimit = 3;

/** One more start whose sub is yet to be heard. Which way a machine is sent to its disk is changed elsewhere (core/pxe/local-boot.ts). */
function countBoot(machine: Machine, nowMs: number): Machine {
  const before = machine.unheardBoots;
  if (before !== undefined && nowMs - before.lastAtMs < sameBootMs) return machine;
  const count = (before?.count ?? 0) + 1;
  const counted = { ...machine, unheardBoots: { count, lastAtMs: nowMs } };
  if (count < unheardBootsLimit) return counted;
  const reason =
    `started ${count} times from the network and was sent to its disk, but its sub was not heard since: ` +
    `look at its console; if its disk does not boot, ask for its rebirth (birther rebirth ${nameOf(machine)})`;
  return withCondition(counted, { kind: "failing", reason, remedy: "rebirth" }, nowMs);
}

/** Requests that were counted elsewhere, as nothing else followed from them. */
export const countRequests: Transition<"pxeAskedAgain"> = (machine, { requests, responses, lastAtMs }) => {
  const { pxe } = machine;
  return changed({
    ...machine,
    pxe: {
      ...pxe,
      requests: pxe.requests + requests,
      responses: pxe.responses + responses,
      lastRequestAtMs: Math.max(pxe.lastRequestAtMs, lastAtMs),
    },
  });
};

/** How many answers a request got: one, or none. */
export function responsesTo(event: EventOf<"pxeAsked">): 0 | 1 {
  return event.answer === "none" || event.withheld ? 0 : 1;
}

/** Counts request and answer, and keeps the offered address unless another machine holds it: then one has to be chosen anew. */
const noteRequest: Transition<"pxeAsked"> = (machine, event, context) => {
  const counted: Machine = {
    ...machine,
    firmware: event.firmware,
    network: event.network,
    pxe: {
      requests: machine.pxe.requests + 1,
      responses: machine.pxe.responses + responsesTo(event),
      lastRequestAtMs: context.nowMs,
      lastAnswer: event.withheld ? `withheld: ${event.answer}` : event.answer,
    },
  };
  if (event.address === undefined || event.address === machine.permanentAddress) return changed(counted);
  const holder = context.addressHolder(event.address);
  if (holder === undefined || holder.id === machine.id) return changed({ ...counted, temporaryAddress: event.address });
  return refused(
    {
      kind: "addressTaken",
      message: `address ${event.address} was about to be offered to ${nameOf(machine)}, but ${nameOf(holder)} holds it`,
      next: "choose another address of the pool",
    },
    counted,
  );
};

/** Another DHCP server leased an address to the machine: the newest word counts, for that server hands it on as it likes. */
export const noteAddress: Transition<"addressSeen"> = (machine, event, context) => {
  const { address } = event;
  if (address === machine.temporaryAddress || address === machine.permanentAddress) return changed(machine);
  const holder = context.addressHolder(address);
  if (holder?.permanentAddress !== address) {
    const machineThere: Machine = { ...machine, temporaryAddress: address };
    if (holder === undefined) return changed(machineThere);
    // That server leases an address again when its time has run out, and nobody else tells us.
    const { temporaryAddress: _gone, ...without } = holder;
    return { kind: "changed", machine: machineThere, others: [without] };
  }
  return refused({
    kind: "addressTaken",
    message: `another DHCP server leased ${address} to ${nameOf(machine)}, but it is the permanent address of ${nameOf(holder)}`,
    next: "keep the permanent addresses out of that server's range",
  });
};

const lastBirthPhase = phases.indexOf("populated");

/** A phase of the installation; those that come after it cannot be seen yet. */
export const seeBirthPhase: Transition<"phaseSeen"> = (machine, event, context) =>
  phases.indexOf(event.phase) <= lastBirthPhase
    ? changed(withPhase(machine, event, context.nowMs))
    : wrongPhase(machine, event);

/** A phase after the installation; a late word from before it changes nothing. */
export const seeHealthyPhase: Transition<"phaseSeen"> = (machine, event, context) =>
  phases.indexOf(event.phase) > lastBirthPhase
    ? changed(withPhase(machine, event, context.nowMs))
    : wrongPhase(machine, event);

function wrongPhase(machine: Machine, event: Extract<MachineEvent, { kind: "phaseSeen" }>) {
  return refused({
    kind: "wrongState",
    message: `phase ${event.phase} was reported of ${nameOf(machine)}, which is in state ${machine.state}`,
    next: "nothing: the report is late, or from an older life of the machine",
  });
}

/** A poll that tells nothing new is written down this often only: thousands of subs poll every few seconds. */
const seenAgainMs = 30_000;

/** A healthy machine's sub polls. It is `up` when it runs the required image; the birth session has then ended. */
export const hearSub: Transition<"subSeen"> = (machine, event, context) => {
  // Where updates are disabled it is up with what it runs.
  const left = machine.disableUpdates === true && event.runningImage !== undefined;
  const same = event.runningImage !== undefined && event.runningImage === machine.requiredImage;
  const up = left || (event.upToDate ?? same);
  const isNews =
    machine.runningImage !== event.runningImage ||
    machine.order !== undefined ||
    machine.unheardBoots !== undefined ||
    (up && (machine.phase !== "up" || conditionOf(machine, "conflict") !== undefined));
  if (!isNews && context.nowMs - machine.lastSeenAtMs < seenAgainMs) return changed(machine);
  const { order: _ended, runningImage: _before, unheardBoots: _heard, ...kept } = machine;
  const heard: Machine = {
    ...kept,
    lastSeenAtMs: context.nowMs,
    ...(event.runningImage === undefined ? {} : { runningImage: event.runningImage }),
  };
  // Up and heard at its permanent address: whoever used that has gone.
  return changed(
    up ? withoutConditions(withPhase(heard, { phase: "up" }, context.nowMs), "failing", "conflict") : heard,
  );
};
