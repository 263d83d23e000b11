import type { MachineEvent } from "../event.ts";
import { type BirthAction, type Machine, type MachineIn, phases } from "../record.ts";
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

/** The initial record of an unknown machine that sends its first PXE request. */
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

/** An unknown machine sends a PXE request: a nursery starts its birth (generation 1); another network only counts the request. */
export const askUnknown: Transition<"pxeAsked", "unknown"> = (machine, event, context) =>
  event.nursery && mayBeInstalled(machine, event.mac)
    ? askForBirth({ ...machine, state: "birth", generation: machine.generation + 1 }, event, context)
    : noteRequest(machine, event, context);

/** A machine due for installation sends a PXE request: a new attempt, unless the request comes from the loader it was just sent. */
export const askForBirth: Transition<"pxeAsked", BirthAction> = (machine, event, context) => {
  if (event.withheld || !mayBeInstalled(machine, event.mac)) return noteRequest(machine, event, context);
  const chained = event.stage === "loader" && (machine.phase === "loaderSent" || machine.phase === "kernelSent");
  const detail = `${event.stage}: ${event.answer}`;
  const seen = chained ? machine : withPhase(machine, { phase: "offered", detail }, context.nowMs);
  return noteRequest(seen, event, context);
};

/**
 * A healthy machine sends a PXE request: it must have restarted, and is not up until its agent polls again. If it never ran an
 * image and was not due to restart, its disk has no system to boot: it lost power, or the watchdog reset it. It is still sent
 * to its disk, because nothing from the network may lead to a wipe; the condition tells the operator what to do.
 */
export const askHealthy: Transition<"pxeAsked", "healthy"> = (machine, event, context) => {
  const { phase, runningImage } = machine;
  // A request from a disputed address may come from another machine: it changes nothing.
  if (event.withheld || phase === undefined || isDisputed(machine, event.mac))
    return noteRequest(machine, event, context);
  if (phase === "rebooting") return noteRequest(countBoot(machine, context.nowMs), event, context);
  if (phase === "up" || runningImage !== undefined) {
    const restarted = withPhase(machine, { phase: "rebooting", detail: "PXE request" }, context.nowMs);
    return noteRequest(countBoot(restarted, context.nowMs), event, context);
  }
  const reason = `restarted in phase ${phase}, before its image was installed, and has no system to boot: run birther rebirth ${nameOf(machine)}`;
  return noteRequest(
    withCondition(machine, { kind: "failing", reason, remedy: "rebirth" }, context.nowMs),
    event,
    context,
  );
};

/** Requests within this time belong to one boot (DISCOVER, REQUEST, then the loader); a cycle through firmware and disk takes longer. */
const sameBootMs = 20_000;
/** Firmware with several NICs may send two requests per start at this distance, but hardly three. */
export const unheardBootsLimit = 3;

/** Counts a start after which the agent has not polled yet. core/pxe/local-boot changes how the machine is sent to its disk. */
function countBoot(machine: MachineIn<"healthy">, nowMs: number): MachineIn<"healthy"> {
  const before = machine.unheardBoots;
  if (before !== undefined && nowMs - before.lastAtMs < sameBootMs) return machine;
  const count = (before?.count ?? 0) + 1;
  const counted = { ...machine, unheardBoots: { count, lastAtMs: nowMs } };
  if (count < unheardBootsLimit) return counted;
  const reason =
    `started ${count} times from the network and was sent to its disk, but its agent has not polled since: ` +
    `read its console; if its disk does not boot, run birther rebirth ${nameOf(machine)}`;
  return withCondition(counted, { kind: "failing", reason, remedy: "rebirth" }, nowMs);
}

/** Adds requests that changed nothing else and were counted outside the record. */
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

/** The number of answers that a request got: 1 or 0. */
export function responsesTo(event: EventOf<"pxeAsked">): 0 | 1 {
  return event.answer === "none" || event.withheld ? 0 : 1;
}

/** Counts the request and its answer, and records the offered address; refused if another machine holds that address. */
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
      message: `address ${event.address} cannot be offered to ${nameOf(machine)}: ${nameOf(holder)} holds it`,
      next: "choose another address of the pool",
    },
    counted,
  );
};

/** Another DHCP server leased an address to the machine. The newest lease counts, because that server may reassign addresses. */
export const noteAddress: Transition<"addressSeen"> = (machine, event, context) => {
  const { address } = event;
  if (address === machine.temporaryAddress || address === machine.permanentAddress) return changed(machine);
  const holder = context.addressHolder(address);
  if (holder?.permanentAddress !== address) {
    const machineThere: Machine = { ...machine, temporaryAddress: address };
    if (holder === undefined) return changed(machineThere);
    // That server reassigns an address after its lease has expired; this lease is the only sign of it.
    const { temporaryAddress: _gone, ...without } = holder;
    return { kind: "changed", machine: machineThere, others: [without] };
  }
  return refused({
    kind: "addressTaken",
    message: `another DHCP server leased ${address} to ${nameOf(machine)}, but it is the permanent address of ${nameOf(holder)}`,
    next: "exclude the permanent addresses from the range of that server",
  });
};

const lastBirthPhase = phases.indexOf("populated");

/** Accepts phases of the installation; later phases cannot happen yet. */
export const seeBirthPhase: Transition<"phaseSeen"> = (machine, event, context) =>
  phases.indexOf(event.phase) <= lastBirthPhase
    ? changed(withPhase(machine, event, context.nowMs))
    : wrongPhase(machine, event);

/** Accepts phases after the installation; a late report of an earlier phase is refused. */
export const seeHealthyPhase: Transition<"phaseSeen"> = (machine, event, context) =>
  phases.indexOf(event.phase) > lastBirthPhase
    ? changed(withPhase(machine, event, context.nowMs))
    : wrongPhase(machine, event);

function wrongPhase(machine: Machine, event: Extract<MachineEvent, { kind: "phaseSeen" }>) {
  return refused({
    kind: "wrongState",
    message: `${nameOf(machine)} is in state ${machine.state} and cannot be in phase ${event.phase}`,
    next: "no action is needed: the report is late, or from an earlier generation of the machine",
  });
}

/** Minimum interval between records of polls without new facts: thousands of agents poll every few seconds. */
const seenAgainMs = 30_000;

/** The agent of a healthy machine polls. The machine is `up` if it runs the required image; its birth session then ends. */
export const noteSub: Transition<"subSeen", "healthy"> = (machine, event, context) => {
  // With updates disabled, the machine is up with any image.
  const left = machine.disableUpdates === true && event.runningImage !== undefined;
  const same = event.runningImage !== undefined && event.runningImage === machine.requiredImage;
  const up = left || (event.upToDate ?? same);
  const hasNewFacts =
    machine.runningImage !== event.runningImage ||
    machine.order !== undefined ||
    machine.unheardBoots !== undefined ||
    (up && (machine.phase !== "up" || conditionOf(machine, "conflict") !== undefined));
  if (!hasNewFacts && context.nowMs - machine.lastSeenAtMs < seenAgainMs) return changed(machine);
  const { order: _ended, runningImage: _before, unheardBoots: _heard, ...kept } = machine;
  const seen: MachineIn<"healthy"> = {
    ...kept,
    lastSeenAtMs: context.nowMs,
    ...(event.runningImage === undefined ? {} : { runningImage: event.runningImage }),
  };
  // The agent polls from its permanent address: no other host uses that address any more.
  return changed(up ? withoutConditions(withPhase(seen, { phase: "up" }, context.nowMs), "failing", "conflict") : seen);
};
