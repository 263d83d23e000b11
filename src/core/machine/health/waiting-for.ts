import { counted } from "../../bytes/counted.ts";
import { describeMissingFirmware } from "../../hardware/missing-firmware.ts";
import type { Condition, PlaceTrouble } from "../condition.ts";
import { conditionOf, isDisputed, nameOf } from "../life/move.ts";
import { isLeftToOthers } from "../next-boot.ts";
import type { Phase } from "../phase.ts";
import type { Machine } from "../record.ts";
import { describeSuspect } from "../suspect.ts";
import { type Deadlines, phaseWaitsFor } from "./deadlines.ts";
import { describeMirror, mirrorAdvice } from "./mirror-text.ts";
import { deadlineOf, formatDuration } from "./stall-detection.ts";

/** Facts besides the record; each is optional. */
export type WhyFacts = {
  readonly nowMs: number;
  readonly deadlineSeconds: Deadlines;
  /** An external Dominator updates the machines after their first image. */
  readonly othersUpdate?: boolean;
  /** Why the network that the machine was last seen on is not served, and what to do. */
  readonly notServed?: string;
  /** The promotion whose first machine it is: the image, and who promoted it. */
  readonly trial?: { readonly image: string; readonly by: string };
  /** Whether the required image exists. */
  readonly imageExists?: boolean;
  /** The latest packets and log lines of the machine, newest last, one short text each. */
  readonly packets?: readonly string[];
  readonly lines?: readonly string[];
};

/** The one event that a machine waits for, and what to do about it. */
export type Why = {
  /** Completes "waits until …"; absent if the machine is up. */
  readonly missing?: string;
  readonly sinceMs: number;
  /** When the machine becomes *failing*, if its phase has a deadline. */
  readonly byMs?: number;
  readonly overdue: boolean;
  /** The facts behind it, one clause each: conditions, the last answer, the latest packets and log lines. */
  readonly evidence: readonly string[];
  /** What to do, with the machine's name filled in. */
  readonly next: string;
};

type Missing = { readonly missing: string; readonly next: string; readonly sinceMs: number; readonly byMs?: number };

/** The one event that a machine waits for: the first reason below that applies. */
export function why(machine: Machine, facts: WhyFacts): Why {
  const evidence = evidenceOf(machine, facts);
  const found = reasons.map((reason) => reason(machine, facts)).find((reason) => reason !== undefined);
  if (found === undefined) {
    const sinceMs = machine.phaseAtMs ?? machine.lastSeenAtMs;
    return { sinceMs, overdue: false, evidence, next: `no action is needed: ${whyNothing(machine, facts)}` };
  }
  const next = found.next.replace(/\bNAME\b/g, nameOf(machine));
  return { ...found, next, overdue: found.byMs !== undefined && facts.nowMs >= found.byMs, evidence };
}

function whyNothing(machine: Machine, { othersUpdate }: WhyFacts): string {
  if (othersUpdate === true && isLeftToOthers(machine))
    return "an external Dominator updates it, and Birther does not watch whether it is up";
  return machine.runningImage === undefined ? "it is up" : `it is up and runs ${machine.runningImage}`;
}

type Reason = (machine: Machine, facts: WhyFacts) => Missing | undefined;

/** The reason that applies while a condition is set. */
function whileSet(kind: Condition["kind"], text: { readonly missing: string; readonly next: string }): Reason {
  return (machine) => {
    const condition = conditionOf(machine, kind);
    return condition === undefined ? undefined : { ...text, sinceMs: condition.sinceMs };
  };
}

/** Whether the machine still has to be installed or updated. */
function isWaiting({ state, phase }: Machine): boolean {
  return state !== "healthy" || phase !== "up";
}

/** What to do about each trouble with a place; the condition's reason, which follows, names both sides. */
const placeAdvice: { readonly [Trouble in PlaceTrouble]: { readonly missing: string; readonly next: string } } = {
  cableMoved: {
    missing: "it is back at its port, or may move: its cable was moved",
    next: "move the cable back, or accept the new slot: birther rebirth NAME --moved; the machine retries automatically",
  },
  nicMoved: {
    missing: "it is clear whose NIC it has: a NIC that identifies another machine was moved into it",
    next: "follow the advice in the conflict below: boot the other machine from its own NIC first, or birther takeover",
  },
  slotClaimedTwice: {
    missing: "its slot is free: another machine holds or awaits it",
    next: "compare the cabling of both machines, which the conflict below names; if it replaces the other one: birther takeover NAME OTHER",
  },
  switchRenamed: {
    missing: "a placement rule knows the new name of its switch: the port is the same, the switch has another name",
    next: "add a placement rule for the new name before the others (birther plan try NEW PORT shows what it gives); if the cable was moved instead, move it back",
  },
};

const reasons: readonly Reason[] = [
  whileSet("retired", {
    missing: "an operator releases it: it is retired and sent to its local disk",
    next: "to allow its birth: birther release NAME",
  }),
  (machine) =>
    isWaiting(machine)
      ? whileSet("hold", {
          missing: "an operator releases it: it is on hold",
          next: "when the reason no longer applies: birther release NAME",
        })(machine, noFacts)
      : undefined,
  (machine) => {
    const { pxe, announced, createdAtMs } = machine;
    if (pxe.requests > 0 || announced === undefined || machine.state === "healthy") return undefined;
    return {
      missing: "it sends its first PXE request: it is announced, but has not been seen",
      next: "switch it on, with network boot first in its boot order; if it is on, compare its MAC addresses with birther show NAME",
      sinceMs: createdAtMs,
    };
  },
  (machine, { notServed }) =>
    notServed === undefined || !isBooting(machine)
      ? undefined
      : {
          missing: `network ${machine.network} is served: ${notServed}`,
          next: "to see why it is not served: birther networks",
          sinceMs: machine.pxe.lastRequestAtMs,
        },
  (machine) =>
    machine.pxe.responses > 0 || machine.pxe.requests === 0 || !isBooting(machine)
      ? undefined
      : {
          missing: `one of its PXE requests is answered: none of ${machine.pxe.requests} was`,
          next: "to see why (mode listen, exhausted pool, another DHCP server): birther networks",
          sinceMs: machine.pxe.lastRequestAtMs,
        },
  (machine) =>
    machine.state !== "unknown"
      ? undefined
      : {
          missing: "it sends a PXE request on a nursery network",
          next: `connect it to a nursery network, or set nursery: true for the network that it was last seen on (${machine.network ?? "none"})`,
          sinceMs: machine.pxe.lastRequestAtMs,
        },
  (machine) => {
    const found = machine.conditions.find(({ kind, trouble }) => trouble !== undefined && kind !== "hold");
    return found?.trouble === undefined ? undefined : { ...placeAdvice[found.trouble], sinceMs: found.sinceMs };
  },
  whileSet("conflict", {
    missing: "the conflict is resolved",
    next: "follow the advice in the conflict below; the machine retries automatically",
  }),
  ({ recovery }) =>
    recovery === undefined || recovery.nonce !== undefined
      ? undefined
      : {
          missing: `its next network boot recovers its disk key: ${recovery.by} allowed it`,
          next: "restart it, with network boot first in its boot order",
          sinceMs: recovery.atMs,
        },
  ({ reboot, state }) =>
    reboot === undefined || reboot.sent !== undefined
      ? undefined
      : {
          missing: `its turn to restart: ${reboot.by} requested it, and at most ${counted(reboot.atOnce, "machine")} (${reboot.perRack} of a rack) may restart at the same time`,
          next: `no action is needed while its agent polls; birther machines -w phase=rebooting shows who is away, birther cancel ends this${state === "healthy" ? "" : ` and its ${state}`}`,
          sinceMs: reboot.atMs,
        },
  whileSet("waiting", {
    missing: "the uplink has room for it: it waits in the queue",
    next: "no action is needed; if the uplink has more bandwidth than uplinkMbps says, raise it, and more machines fetch at once",
  }),
  (machine, { nowMs }) => {
    const { order, state } = machine;
    if (state === "healthy" || order === undefined || order.taken !== undefined || nowMs < order.expiresAtMs)
      return undefined;
    return {
      missing: "it fetches a new boot script: the token of its last one has expired",
      next: "reset it; if its init does not start, read its console",
      sinceMs: order.expiresAtMs,
    };
  },
  (machine) => {
    const failing = conditionOf(machine, "failing");
    if (failing === undefined || failing.watched || machine.state === "healthy") return undefined;
    return {
      missing: "its next attempt succeeds: a step failed",
      next: "read birther log NAME and fix the cause; the machine retries automatically",
      sinceMs: failing.sinceMs,
    };
  },
  (machine) =>
    machine.state === "healthy" || machine.phase !== undefined
      ? undefined
      : {
          missing:
            machine.state === "birth"
              ? "it sends a PXE request"
              : `it boots from the network, which starts its ${machine.state}`,
          next:
            machine.state === "birth"
              ? "switch it on, with network boot first in its boot order"
              : "reset it; to cancel: birther cancel NAME",
          sinceMs: machine.lastSeenAtMs,
        },
  (machine, { imageExists }) =>
    imageExists !== false || machine.state !== "healthy" || machine.requiredImage === undefined
      ? undefined
      : {
          missing: `image ${machine.requiredImage} is imported`,
          next: importAdvice(machine.requiredImage),
          sinceMs: machine.phaseAtMs ?? machine.lastSeenAtMs,
        },
  (machine) => {
    const failing = conditionOf(machine, "failing");
    if (failing === undefined || failing.watched || machine.state !== "healthy") return undefined;
    const next =
      failing.remedy === "rebirth"
        ? "if its disk does not boot, run birther rebirth NAME, then reset it"
        : "then read birther log NAME";
    return { missing: "it starts its image", next: `read its console; ${next}`, sinceMs: failing.sinceMs };
  },
  (machine, facts) => {
    const deadline = deadlineOf(machine, facts);
    if (machine.state !== "healthy" || deadline === undefined || !pollPhases.has(deadline.phase)) return undefined;
    const { sinceMs, byMs } = deadline;
    if (machine.lastSeenAtMs <= sinceMs) return undefined;
    return {
      missing:
        `its agent installs its image: it polls, but does not run ${machine.requiredImage ?? "an image"} yet`.trimEnd(),
      next: "read birther log NAME for the cause, such as a full disk or a missing object",
      ...{ sinceMs, byMs },
    };
  },
  ({ state, mirror, storage }) =>
    state !== "healthy" || mirror === undefined || mirror.missing.length === 0 || storage === undefined
      ? undefined
      : { missing: `a whole mirror: ${describeMirror(mirror, storage)}`, next: mirrorAdvice, sinceMs: mirror.sinceMs },
  (machine, facts) => {
    const deadline = deadlineOf(machine, facts);
    if (
      deadline === undefined ||
      (machine.state === "healthy" && deadline.phase === "up" && facts.nowMs < deadline.byMs)
    )
      return undefined;
    const { phase, sinceMs, byMs } = deadline;
    const { missing, next } = phaseWaitsFor[phase];
    return { missing, next, sinceMs, byMs };
  },
];

/** How to get an image that does not exist: a version cannot be imported again, another one can be promoted. */
function importAdvice(image: string): string {
  const [stream, version] = image.split("/");
  const list = "to list the images: birther image list";
  return version === undefined
    ? `to import it: birther image import ${stream} DIRECTORY; ${list}`
    : `restore it from a backup of the state directory, or promote a version that exists: birther image promote ${stream}/VERSION; ${list}`;
}

/** Phases that wait for a poll of the agent: if it polls, something else is missing. */
const pollPhases: ReadonlySet<Phase> = new Set(["handedOver", "rebooting"]);

const noFacts: WhyFacts = { nowMs: 0, deadlineSeconds: {} as Deadlines };

/** Whether the machine is to boot from the network and has not got past the offer. */
function isBooting({ state, phase }: Machine): boolean {
  return state !== "healthy" && (phase === undefined || phase === "offered");
}

/** Maximum number of packets and of log lines to show. */
const shown = 5;

function imageEvidence({ requiredImage, runningImage }: Machine): readonly string[] {
  if (requiredImage === undefined || runningImage === undefined || requiredImage === runningImage) return [];
  return [`runs ${runningImage}, requires ${requiredImage}`];
}

function evidenceOf(machine: Machine, { nowMs, trial, packets = [], lines = [] }: WhyFacts): readonly string[] {
  const ago = (atMs: number) => `${formatDuration(Math.max(0, Math.round((nowMs - atMs) / 1000)))} ago`;
  const { pxe, phase, phaseAtMs, disputedMacs = [] } = machine;
  const rejected = machine.agent?.rejected;
  return [
    `state ${machine.state}, generation ${machine.generation}`,
    ...(phase === undefined || phaseAtMs === undefined ? [] : [`phase ${phase}, entered ${ago(phaseAtMs)}`]),
    ...machine.conditions.map(({ kind, reason, sinceMs }) => `${kind} (set ${ago(sinceMs)}): ${reason}`),
    pxe.requests === 0
      ? "no PXE request received"
      : `${counted(pxe.requests, "PXE request")}, ${counted(pxe.responses, "answer")}, latest ${ago(pxe.lastRequestAtMs)}: ${pxe.lastAnswer}`,
    `last seen ${ago(machine.lastSeenAtMs)}`,
    ...imageEvidence(machine),
    ...(machine.state === "birth" && machine.heard?.kind === "unplaced"
      ? [`not placed yet: ${machine.heard.reason}`]
      : []),
    ...(machine.hardware?.missingFirmware ?? []).map(describeMissingFirmware),
    ...(machine.suspects ?? []).map((suspect) => `suspect: ${describeSuspect(suspect)}`),
    ...(trial === undefined ? [] : [`it is the first machine to get ${trial.image}, which ${trial.by} promoted`]),
    ...(rejected === undefined ? [] : [`its agent could not be upgraded to ${rejected.version}: ${rejected.reason}`]),
    ...disputedMacs
      .filter((mac) => isDisputed(machine, mac))
      .map((mac) => `another machine also has ${mac}: requests from that address are sent to the local disk`),
    ...packets.slice(-shown).map((packet) => `packet: ${packet}`),
    ...lines.slice(-shown).map((line) => `log: ${line}`),
  ];
}
