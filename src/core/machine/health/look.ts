import type { MachineEvent } from "../event.ts";
import type { Machine } from "../record.ts";
import {
  nextRepair,
  type Presence,
  type RepairPolicy,
  type RepairTally,
  whyNoRebirth,
  whyNotWithPresence,
} from "./repair.ts";
import { checkProgress, type WatchRules, watchEvent } from "./stall-detection.ts";

/** Pause before another look at a machine when the step that is due may not be taken now. */
const laterMs = 60_000;

/** What a look at a machine depends on. */
export type LookRules = {
  readonly rules: WatchRules;
  /** Undefined: machines are never repaired automatically. */
  readonly repair: RepairPolicy | undefined;
  /** Whether this process may act; others only watch. */
  readonly leads: () => boolean;
  /** What was counted of the whole fleet just now, asked only when a rebirth is due; undefined if nothing was. */
  readonly tally: () => RepairTally | undefined;
  /** What a probe of the machine's permanent address found just now; undefined if there was none. */
  readonly presenceOf: (machine: Machine) => Presence | undefined;
};

/** What a look leads to: an event to apply, and when to look again if no event comes before. */
export type Look = {
  readonly event?: MachineEvent;
  readonly lookAgainAtMs?: number;
  /** Why its rebirth is put off. */
  readonly putOff?: string;
  /** The fleet is to be counted, and the machine looked at again with the result. */
  readonly count?: true;
  /** Its permanent address is to be probed, and the machine looked at again with the result. */
  readonly probe?: true;
};

/** Looks at one machine: whether it stalls or continues, and whether the configured policy takes a step. */
export function lookAt(machine: Machine, nowMs: number, by: LookRules): Look {
  const progress = checkProgress(machine, nowMs, by.rules);
  const found = watchEvent(machine, progress);
  const look: Look = found === undefined ? lookForRepair(machine, nowMs, by) : { event: found };
  const dates = [look.lookAgainAtMs, progress.kind === "well" ? progress.lookAgainAtMs : undefined];
  if (look.event !== undefined && !by.leads()) return { lookAgainAtMs: earliest(...dates, nowMs + laterMs) };
  const lookAgainAtMs = earliest(...dates);
  return lookAgainAtMs === Number.POSITIVE_INFINITY ? look : { ...look, lookAgainAtMs };
}

function lookForRepair(machine: Machine, nowMs: number, by: LookRules): Look {
  const { repair, rules } = by;
  if (repair === undefined) return {};
  const policy = { ...repair, ...rules };
  const next = nextRepair(machine, nowMs, policy);
  if (next.kind === "none") return {};
  if (next.kind === "later") return { lookAgainAtMs: next.lookAgainAtMs };
  const { kind: _kind, ...step } = next;
  const event = { kind: "repairStepped", id: machine.id, ...step } as const;
  if (step.step !== "rebirth" && step.step !== "prove") return { event };
  if (!by.leads()) return { lookAgainAtMs: nowMs + laterMs };
  const tally = by.tally();
  if (tally === undefined) return { count: true, lookAgainAtMs: nowMs + laterMs };
  const presence = by.presenceOf(machine);
  const putOff = whyNoRebirth(tally, policy) ?? (presence && whyNotWithPresence(presence));
  if (putOff !== undefined) return { putOff, lookAgainAtMs: nowMs + laterMs };
  return presence === undefined ? { probe: true, lookAgainAtMs: nowMs + laterMs } : { event };
}

function earliest(...datesMs: readonly (number | undefined)[]): number {
  return Math.min(...datesMs.map((dateMs) => dateMs ?? Number.POSITIVE_INFINITY));
}
