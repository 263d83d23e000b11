import { conditionOf, isDisputed, nameOf } from "../life/move.ts";
import type { Condition, Machine, Phase } from "../record.ts";
import { type Deadlines, phaseWaitsFor } from "./deadlines.ts";
import { deadlineOf, formatDuration } from "./stall-detection.ts";

/** What is known beside the record; each is left out where nobody asked. */
export type WhyFacts = {
  readonly nowMs: number;
  readonly deadlineSeconds: Deadlines;
  /** Why the network that the machine was last seen on is not answered, and what to do. */
  readonly notServed?: string;
  /** Whether there is an image that the required one means. */
  readonly imageExists?: boolean;
  /** The last packets and lines of it, newest last, each in a few words. */
  readonly packets?: readonly string[];
  readonly lines?: readonly string[];
};

/** The one thing that a machine waits for, and what to do about it. */
export type Why = {
  /** The end of "waits until …". Absent where nothing is missing: it is up. */
  readonly missing?: string;
  readonly sinceMs: number;
  /** When it is called failing, if that is watched. */
  readonly byMs?: number;
  readonly overdue: boolean;
  /** What is known about it, a clause each: conditions, the last answer, the last packets and lines. */
  readonly evidence: readonly string[];
  /** What to do, with names filled in. */
  readonly next: string;
};

type Missing = { readonly missing: string; readonly next: string; readonly sinceMs: number; readonly byMs?: number };

/** Why a machine is not at work: the one missing event. The first of the reasons below that holds is the one that comes first. */
export function why(machine: Machine, facts: WhyFacts): Why {
  const evidence = evidenceOf(machine, facts);
  const found = reasons.map((reason) => reason(machine, facts)).find((reason) => reason !== undefined);
  if (found === undefined) {
    const up = machine.runningImage === undefined ? "it is up" : `it is up and runs ${machine.runningImage}`;
    return { sinceMs: machine.phaseAtMs ?? machine.lastSeenAtMs, overdue: false, evidence, next: `nothing: ${up}` };
  }
  const next = found.next.replace(/\bNAME\b/g, nameOf(machine));
  return { ...found, next, overdue: found.byMs !== undefined && facts.nowMs >= found.byMs, evidence };
}

type Reason = (machine: Machine, facts: WhyFacts) => Missing | undefined;

/** Why something in a condition's words is waited for. */
function standing(kind: Condition["kind"], says: { readonly missing: string; readonly next: string }): Reason {
  return (machine) => {
    const condition = conditionOf(machine, kind);
    return condition === undefined ? undefined : { ...says, sinceMs: condition.sinceMs };
  };
}

/** A machine that is to be installed, or has no image yet. */
function isWaiting({ state, phase }: Machine): boolean {
  return state !== "healthy" || phase !== "up";
}

const reasons: readonly Reason[] = [
  standing("retired", {
    missing: "an operator releases it: it is retired, and answered with local boot",
    next: "to let it be born again: birther release NAME",
  }),
  (machine) =>
    isWaiting(machine)
      ? standing("hold", { missing: "an operator releases it: it is on hold", next: "birther release NAME" })(
          machine,
          noFacts,
        )
      : undefined,
  (machine) => {
    const { pxe, announced, createdAtMs } = machine;
    if (pxe.requests > 0 || announced === undefined || machine.state === "healthy") return undefined;
    return {
      missing: "it asks PXE for the first time: it was announced and never seen",
      next: "switch it on, with network boot first; if it is on, compare its hardware addresses with birther show NAME",
      sinceMs: createdAtMs,
    };
  },
  (machine, { notServed }) =>
    notServed === undefined || !isBooting(machine)
      ? undefined
      : {
          missing: `network ${machine.network} is served: ${notServed}`,
          next: "birther networks says what keeps it from being served",
          sinceMs: machine.pxe.lastRequestAtMs,
        },
  (machine) =>
    machine.pxe.responses > 0 || machine.pxe.requests === 0 || !isBooting(machine)
      ? undefined
      : {
          missing: `it is answered: ${machine.pxe.requests} requests, none of them was`,
          next: "birther networks says why: mode listen, pool exhausted, another DHCP server",
          sinceMs: machine.pxe.lastRequestAtMs,
        },
  (machine) =>
    machine.state !== "unknown"
      ? undefined
      : {
          missing: "it asks PXE on a nursery",
          next: `it was last seen on ${machine.network ?? "no network"}: cable it to a nursery, or set nursery: true there`,
          sinceMs: machine.pxe.lastRequestAtMs,
        },
  standing("conflict", {
    missing: "the conflict is settled",
    next: "do what the conflict says; the machine tries again by itself",
  }),
  standing("waiting", {
    missing: "it is its turn: it waits in line for the uplink",
    next: "nothing; more uplinkMbps lets more machines fetch at once",
  }),
  (machine, { nowMs }) => {
    const { order, state } = machine;
    if (state === "healthy" || order === undefined || order.taken !== undefined || nowMs < order.expiresAtMs)
      return undefined;
    return {
      missing: "it fetches a new boot script: the token of the last one has expired",
      next: "reset it; if it never gets as far as init, look at its console",
      sinceMs: order.expiresAtMs,
    };
  },
  (machine) => {
    const failing = conditionOf(machine, "failing");
    if (failing === undefined || failing.watched || machine.state === "healthy") return undefined;
    return {
      missing: "its next attempt goes better: a step failed",
      next: "birther log NAME shows how; mend what it says, the machine tries again by itself",
      sinceMs: failing.sinceMs,
    };
  },
  (machine) =>
    machine.state === "healthy" || machine.phase !== undefined
      ? undefined
      : {
          missing:
            machine.state === "birth"
              ? "it asks PXE"
              : `it restarts: its ${machine.state} begins with its next boot from the network`,
          next:
            machine.state === "birth"
              ? "switch it on, with network boot first"
              : "reset it; birther cancel NAME takes it back",
          sinceMs: machine.lastSeenAtMs,
        },
  (machine, { imageExists }) =>
    imageExists !== false || machine.state !== "healthy" || machine.requiredImage === undefined
      ? undefined
      : {
          missing: `there is an image ${machine.requiredImage}`,
          next: `birther image import ${machine.requiredImage.split("/")[0]} DIRECTORY; birther image list shows those that there are`,
          sinceMs: machine.phaseAtMs ?? machine.lastSeenAtMs,
        },
  (machine) => {
    const failing = conditionOf(machine, "failing");
    if (failing === undefined || failing.watched || machine.state !== "healthy") return undefined;
    const next = failing.remedy === "rebirth" ? "birther rebirth NAME, then a reset" : "birther log NAME shows more";
    return { missing: "it comes up with its image", next: `look at its console; ${next}`, sinceMs: failing.sinceMs };
  },
  (machine, { deadlineSeconds }) => {
    const deadline = deadlineOf(machine, deadlineSeconds);
    if (machine.state !== "healthy" || deadline === undefined || !heardPhases.has(deadline.phase)) return undefined;
    const { sinceMs, byMs } = deadline;
    if (machine.lastSeenAtMs <= sinceMs) return undefined;
    return {
      missing: `its sub gets on: it is heard, but has not come to its image ${machine.requiredImage ?? ""}`.trimEnd(),
      next: "birther log NAME says what it waits for or what failed: room on its disk, an object that is missing",
      ...{ sinceMs, byMs },
    };
  },
  (machine, { deadlineSeconds, nowMs }) => {
    const deadline = deadlineOf(machine, deadlineSeconds);
    if (deadline === undefined || (machine.state === "healthy" && deadline.phase === "up" && nowMs < deadline.byMs))
      return undefined;
    const { phase, sinceMs, byMs } = deadline;
    const { missing, next } = phaseWaitsFor[phase];
    return { missing, next, sinceMs, byMs };
  },
];

/** Phases of which it is said that the sub is to be heard: when it is, it is something else that is missing. */
const heardPhases: ReadonlySet<Phase> = new Set(["handedOver", "rebooting"]);

const noFacts: WhyFacts = { nowMs: 0, deadlineSeconds: {} as Deadlines };

/** It is to be answered by network boot, and nothing was seen of it since that. */
function isBooting({ state, phase }: Machine): boolean {
  return state !== "healthy" && (phase === undefined || phase === "offered");
}

/** Lines and packets that are shown. */
const shown = 5;

function evidenceOf(machine: Machine, { nowMs, packets = [], lines = [] }: WhyFacts): readonly string[] {
  const ago = (atMs: number) => `${formatDuration(Math.max(0, Math.round((nowMs - atMs) / 1000)))} ago`;
  const { pxe, phase, phaseAtMs, disputedMacs = [] } = machine;
  return [
    `state ${machine.state}, generation ${machine.generation}`,
    ...(phase === undefined || phaseAtMs === undefined ? [] : [`phase ${phase} since ${ago(phaseAtMs)}`]),
    ...machine.conditions.map(({ kind, reason, sinceMs }) => `${kind} since ${ago(sinceMs)}: ${reason}`),
    pxe.requests === 0
      ? "no PXE request of it was seen"
      : `${pxe.requests} PXE requests, ${pxe.responses} answers, last ${ago(pxe.lastRequestAtMs)}: ${pxe.lastAnswer}`,
    `last heard ${ago(machine.lastSeenAtMs)}`,
    ...disputedMacs
      .filter((mac) => isDisputed(machine, mac))
      .map((mac) => `another machine has ${mac} as well: who asks by it is left to its disk`),
    ...packets.slice(-shown).map((packet) => `packet: ${packet}`),
    ...lines.slice(-shown).map((line) => `log: ${line}`),
  ];
}
