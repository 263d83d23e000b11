import { isWithin, knownTime } from "../../clock-jump.ts";
import { isSameRelayPort } from "../../dhcp/relay-port.ts";
import { formatIpv4 } from "../../net/ipv4.ts";
import type { RelayPort } from "../../site/placement.ts";
import { buildImageFor, defaultArchitecture } from "../architecture.ts";
import { diskOrderHint } from "../health/disk-order.ts";
import { mayRecover, mayResume } from "../next-boot.ts";
import type { Machine, MachineIn } from "../record.ts";
import type { BirthAction } from "../state.ts";
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

/** A machine due for the Bootstrap Image sends a PXE request: a new attempt, unless the request comes from the loader it was just sent. */
export const askForBirth: Transition<"pxeAsked", BirthAction | "healthy"> = (machine, event, context) => {
  if (event.withheld || !mayBeInstalled(machine, event.mac)) return noteRequest(machine, event, context);
  const detail = `${event.stage}: ${event.answer}`;
  const seen = isChained(machine, event, context.nowMs)
    ? machine
    : withPhase(machine, { phase: "offered", detail }, context.nowMs);
  return noteRequest(seen, event, context);
};

/** Packets of the loader's own transaction may still arrive this long after the kernel; a restart takes longer. */
const lateRequestMs = 5000;
/** A loader asks this soon after it was sent: it waits for the link again, at a switch port with spanning tree for 50 s. */
const loaderStartMs = 90_000;

/**
 * Whether the request comes from the loader that the machine was just sent. A loader does not ask once it has the kernel:
 * iPXE in a ROM that asks then has restarted, for example because the kernel found too little memory.
 */
function isChained({ phase, phaseAtMs }: Machine, { stage }: EventOf<"pxeAsked">, nowMs: number): boolean {
  if (stage !== "loader") return false;
  if (phase === "loaderSent") return isWithin(loaderStartMs, phaseAtMs ?? nowMs, nowMs);
  return phase === "kernelSent" && isWithin(lateRequestMs, phaseAtMs ?? nowMs, nowMs);
}

/**
 * A healthy machine sends a PXE request: it must have restarted, and is not up until its agent polls again. If its first image
 * is not in place yet, it lost power or the watchdog reset it: it gets the Bootstrap Image, which resumes its agent and erases
 * nothing. A record of an older version does not tell whether a system ever ran: that machine is sent to its disk, because
 * nothing from the network may lead to a wipe; the condition tells the operator what to do.
 */
export const askHealthy: Transition<"pxeAsked", "healthy"> = (before, event, context) => {
  const machine = event.withheld || isDisputed(before, event.mac) ? before : asksNow(before);
  const { phase } = machine;
  // A request from a disputed address may come from another machine: it changes nothing.
  if (event.withheld || phase === undefined || isDisputed(machine, event.mac))
    return noteRequest(machine, event, context);
  if (mayResume(machine)) {
    const counted = isChained(machine, event, context.nowMs)
      ? machine
      : countBoot(machine, context.nowMs, resumedAgain);
    return askForBirth(counted, event, context);
  }
  if (mayRecover(machine)) return askForBirth(machine, event, context);
  if (context.othersUpdate === true) return noteRequest(restartedElsewhere(machine, context.nowMs), event, context);
  if (phase === "rebooting") return noteRequest(countBoot(machine, context.nowMs, bootedAgain), event, context);
  if (phase === "up" || hasOwnSystem(machine)) {
    const restarted = withPhase(machine, { phase: "rebooting", detail: "PXE request" }, context.nowMs);
    return noteRequest(countBoot(restarted, context.nowMs, bootedAgain), event, context);
  }
  const reason = `restarted in phase ${phase}, before its image was installed, and has no system to boot: run birther rebirth ${nameOf(machine)}`;
  return noteRequest(
    withCondition(machine, { kind: "failing", reason, remedy: "rebirth", untilPoll: true }, context.nowMs),
    event,
    context,
  );
};

/** The record of a machine whose firmware asks the Birther. */
function asksNow(machine: MachineIn<"healthy">): MachineIn<"healthy"> {
  if (machine.didNotAskAtMs === undefined) return machine;
  const { didNotAskAtMs: _before, ...asks } = machine;
  return asks;
}

/** A machine that an external Dominator updates has restarted: its agent may never poll again, so nothing is counted. */
function restartedElsewhere(machine: MachineIn<"healthy">, nowMs: number): MachineIn<"healthy"> {
  const { unheardBoots: _counted, ...kept } = machine;
  const silent = conditionOf(machine, "failing")?.untilPoll === true;
  const restarted = withPhase(kept, { phase: "rebooting", detail: "PXE request" }, nowMs);
  return silent ? withoutConditions(restarted, "failing") : restarted;
}

/** Whether the machine has run a system from its own disk since its last birth: an image, or what others installed. */
export function hasOwnSystem({ runningImage, ownSystem }: Machine): boolean {
  return runningImage !== undefined || ownSystem === true;
}

/** Requests within this time belong to one boot (DISCOVER, REQUEST, then the loader); a cycle through firmware and disk takes longer. */
const sameBootMs = 20_000;
/** Firmware with several NICs may send two requests per start at this distance, but hardly three. */
export const unheardBootsLimit = 3;

const bootedAgain = (count: number, name: string): string =>
  `started ${count} times from the network and was sent to its disk, but its agent has not polled since: ` +
  `read its console; if its disk does not boot, run birther rebirth ${name}`;
const resumedAgain = (count: number, name: string): string =>
  `started ${count} times before its first image was installed, but its agent has not polled since: ` +
  `check that the server can be reached from its permanent address; if its root cannot be opened, run birther rebirth ${name}`;

/** What to do if the TPM does not give the disk key to the boot. */
function sealedHint(machine: Machine): string {
  return machine.diskKey?.kind === "sealed"
    ? `; if its console says that the TPM does not give the key, run birther release ${nameOf(machine)} --recover`
    : "";
}

/** Counts a start after which the agent has not polled yet. core/pxe/local-boot changes how the machine is sent to its disk. */
function countBoot(
  machine: MachineIn<"healthy">,
  nowMs: number,
  reasonOf: (count: number, name: string) => string,
): MachineIn<"healthy"> {
  const before = machine.unheardBoots;
  if (before !== undefined && isWithin(sameBootMs, before.lastAtMs, nowMs)) return machine;
  const count = (before?.count ?? 0) + 1;
  const counted = { ...machine, unheardBoots: { count, lastAtMs: nowMs } };
  if (count < unheardBootsLimit) return counted;
  const reason = reasonOf(count, nameOf(machine)) + sealedHint(machine) + diskOrderHint(machine);
  return withCondition(counted, { kind: "failing", reason, remedy: "rebirth", untilPoll: true }, nowMs);
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
      lastRequestAtMs: Math.max(knownTime(pxe.lastRequestAtMs, lastAtMs), lastAtMs),
    },
  });
};

/** The number of answers that a request got: 1 or 0. */
export function responsesTo(event: EventOf<"pxeAsked">): 0 | 1 {
  return event.answer === "none" || event.withheld ? 0 : 1;
}

/** A request without option 82 says nothing, such as one that a loader sends by HTTP; one on another network ends what was said. */
function relayAfter(
  before: RelayPort | undefined,
  { relay, network }: EventOf<"pxeAsked">,
  networkBefore: string | undefined,
): RelayPort | undefined {
  if (relay === undefined) return network === networkBefore ? before : undefined;
  return isSameRelayPort(before, relay) ? before : relay;
}

/** The record with the condition of a machine that is to be installed without a Bootstrap Image for it, or without it. */
function withImageFault(machine: Machine, event: EventOf<"pxeAsked">, nowMs: number): Machine {
  const before = conditionOf(machine, "failing");
  if (event.withoutImage !== true)
    return before?.withoutImage === true ? withoutConditions(machine, "failing") : machine;
  const architecture = event.architecture ?? defaultArchitecture;
  const reason = `this server has no Bootstrap Image for ${architecture}; ${buildImageFor(architecture)}`;
  if (event.withheld || before?.reason === reason) return machine;
  return withCondition(machine, { kind: "failing", reason, withoutImage: true }, nowMs);
}

/** Counts the request and its answer, and records the offered address; refused if another machine holds that address. */
const noteRequest: Transition<"pxeAsked"> = (known, event, context) => {
  const machine = withImageFault(known, event, context.nowMs);
  const { relay: before, architecture: _before, ...kept } = machine;
  const relay = relayAfter(before, event, machine.network);
  const counted: Machine = {
    ...kept,
    ...(relay === undefined ? {} : { relay }),
    firmware: event.firmware,
    ...(event.architecture === undefined ? {} : { architecture: event.architecture }),
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
      message: `address ${formatIpv4(event.address)} cannot be offered to ${nameOf(machine)}: ${nameOf(holder)} holds it`,
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
    message: `another DHCP server leased ${formatIpv4(address)} to ${nameOf(machine)}, but it is the permanent address of ${nameOf(holder)}`,
    next: "exclude the permanent addresses from the range of that server",
  });
};
