import { isAhead, isWithin } from "../../clock-jump.ts";
import type { ConditionKind } from "../condition.ts";
import { conditionOf, type EventOf } from "../life/move.ts";
import { isLeftToOthers } from "../next-boot.ts";
import { type Phase, phases, type TimelineEntry } from "../phase.ts";
import type { Machine } from "../record.ts";
import { type Deadlines, leastMemoryMiB } from "./deadlines.ts";
import { diskOrderHint } from "./disk-order.ts";

/** When a machine counts as stalled without reporting a failure. */
export type WatchRules = {
  readonly deadlineSeconds: Deadlines;
  /** This many starts within `bootsWithinSeconds` without progress. */
  readonly boots: number;
  readonly bootsWithinSeconds: number;
  /** This many starts of init without a completed burn-in. */
  readonly burnInAttempts: number;
  /** When this server started to listen; it cannot judge silence before that. */
  readonly listeningSinceMs?: number;
  /** An external Dominator updates the machines after their first image: from then on silence says nothing. */
  readonly othersUpdate?: boolean;
};

/** The defaults of the configuration (`watch`). */
export const defaultWatchRules: Omit<WatchRules, "deadlineSeconds"> = {
  boots: 5,
  bootsWithinSeconds: 7200,
  burnInAttempts: 3,
};

/** The result of a check; `lookAgainAtMs` is when it may change without an event. */
export type Progress =
  | { readonly kind: "unwatched" }
  | { readonly kind: "well"; readonly lookAgainAtMs: number }
  | { readonly kind: "stalled"; readonly reason: string };

/** Conditions in which no progress is expected, or that already say what is wrong. */
const excuses: readonly ConditionKind[] = ["hold", "maintenance", "retired", "waiting"];

/** The rules that a deadline depends on. */
export type DeadlineRules = Pick<WatchRules, "deadlineSeconds" | "othersUpdate">;

/** The phase of a machine, its start and its deadline; undefined if no progress is expected. */
export function deadlineOf(
  machine: Machine,
  { deadlineSeconds, othersUpdate }: DeadlineRules,
): { readonly phase: Phase; readonly sinceMs: number; readonly byMs: number } | undefined {
  const { state, phase, phaseAtMs } = machine;
  if (state === "unknown" || phase === undefined || phaseAtMs === undefined) return undefined;
  if (othersUpdate === true && isLeftToOthers(machine)) return undefined;
  // In phase `up`, the silence of the agent counts.
  const sinceMs = phase === "up" ? machine.lastSeenAtMs : phaseAtMs;
  return { phase, sinceMs, byMs: sinceMs + secondsFor(machine, phase, deadlineSeconds) * 1000 };
}

/** A large hard disk erases itself for more than a day, and the machine reports nothing meanwhile (SECURITY ERASE UNIT). */
const erasingSeconds = 4 * 86_400;
/** The phases in which disks erase themselves: an earlier attempt's are awaited before the scan. */
const erasingPhases: readonly Phase[] = ["initUp", "placed"];

/** Seconds that a machine may stay in a phase. */
function secondsFor({ erase }: Machine, phase: Phase, deadlineSeconds: Deadlines): number {
  const seconds = deadlineSeconds[phase];
  return erase?.sanitize === undefined || !erasingPhases.includes(phase) ? seconds : Math.max(seconds, erasingSeconds);
}

/** Whether a machine is past the deadline of its phase. Constant time, for figures of the whole fleet. */
export function isPastDeadline(machine: Machine, nowMs: number, rules: DeadlineRules): boolean {
  const deadline = deadlineOf(machine, rules);
  return deadline !== undefined && (nowMs >= deadline.byMs || isAhead(deadline.sinceMs, nowMs)) && !isExcused(machine);
}

function isExcused(machine: Machine): boolean {
  return excuses.some((kind) => conditionOf(machine, kind) !== undefined);
}

/** Checks one machine: constant time, except for the bounded timeline of a machine that is being installed. */
export function checkProgress(machine: Machine, nowMs: number, rules: WatchRules): Progress {
  // What this server said of its silence before an external Dominator was configured ends.
  if (rules.othersUpdate === true && isLeftToOthers(machine))
    return { kind: "well", lookAgainAtMs: Number.POSITIVE_INFINITY };
  const deadline = deadlineOf(machine, rules);
  if (deadline === undefined || isExcused(machine)) return { kind: "unwatched" };
  const { phase } = deadline;
  // A time in the future was noted by a wrong clock: what counts is then how long this server has listened.
  const sinceMs = isAhead(deadline.sinceMs, nowMs) ? (rules.listeningSinceMs ?? nowMs) : deadline.sinceMs;
  const allowed = secondsFor(machine, phase, rules.deadlineSeconds);
  const byMs = Math.max(sinceMs, rules.listeningSinceMs ?? 0) + allowed * 1000;
  if (nowMs >= byMs) {
    const seconds = Math.round((nowMs - sinceMs) / 1000);
    return { kind: "stalled", reason: reasonOf(phase, seconds, allowed) + orderOf(machine) };
  }
  const stalled = machine.state === "healthy" ? undefined : stalledStarts(machine.timeline, nowMs, rules);
  return stalled === undefined ? { kind: "well", lookAgainAtMs: byMs } : { kind: "stalled", reason: stalled };
}

function reasonOf(phase: Phase, seconds: number, deadlineSeconds: number): string {
  const since = formatDuration(seconds);
  switch (phase) {
    case "up":
      return `its agent has not polled for ${since}`;
    case "rebooting":
      return (
        `its disk does not boot: sent to its disk ${since} ago, no agent has polled since, ` +
        "so its firmware finds nothing to boot or its system does not start; read its console"
      );
    default:
      return `in phase ${phase} for ${since}: expected at most ${formatDuration(deadlineSeconds)}`;
  }
}

/** The order of the disks, where it may be why a machine's disk does not boot. */
function orderOf(machine: Machine): string {
  return machine.phase === "rebooting" && machine.state === "healthy" ? diskOrderHint(machine) : "";
}

/** The event that a check of a machine leads to, if any. */
export function watchEvent(machine: Machine, progress: Progress): EventOf<"stalled"> | EventOf<"resumed"> | undefined {
  const failing = conditionOf(machine, "failing");
  if (progress.kind === "stalled")
    return failing === undefined ? { kind: "stalled", id: machine.id, reason: progress.reason } : undefined;
  return failing?.watched === true && progress.kind === "well" ? { kind: "resumed", id: machine.id } : undefined;
}

/** Why the starts of a machine count as stalled: none got further than earlier starts of the same generation. */
function stalledStarts(timeline: readonly TimelineEntry[], nowMs: number, rules: WatchRules): string | undefined {
  let furthest = -1;
  let boots: number[] = [];
  let burnIns = 0;
  for (const { phase, atMs } of timeline) {
    const reached = phases.indexOf(phase);
    if (phase === "initUp") burnIns += 1;
    if (phase === "burnIn") burnIns = 0;
    if (phase === "offered") boots.push(atMs);
    if (reached > furthest) {
      furthest = reached;
      boots = [];
    }
  }
  const recent = boots.filter((atMs) => isWithin(rules.bootsWithinSeconds * 1000, atMs, nowMs));
  const [first] = recent;
  if (burnIns >= rules.burnInAttempts)
    return `init started ${burnIns} times, but the burn-in never completed: the machine restarts or hangs under load`;
  if (first === undefined || recent.length < rules.boots) return undefined;
  const within = formatDuration(Math.round((nowMs - first) / 1000));
  const cause = phases[furthest] === "kernelSent" ? kernelRestarts : "";
  return `started ${recent.length} times within ${within} without getting past phase ${phases[furthest]}${cause}`;
}

/** What makes a kernel restart the machine before init can say anything. */
const kernelRestarts = `: its kernel restarts it before init starts; expected at least ${leastMemoryMiB} MiB of memory, read its console for a panic`;

/** A rounded duration such as `90 s`, `15 min` or `4 h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
