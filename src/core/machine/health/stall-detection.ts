import { conditionOf, type EventOf } from "../life/move.ts";
import { type ConditionKind, type Machine, type Phase, phases, type TimelineEntry } from "../record.ts";
import type { Deadlines } from "./deadlines.ts";

/** When a machine counts as failing though it says nothing of it. */
export type WatchRules = {
  readonly deadlineSeconds: Deadlines;
  /** So many starts within so many seconds without coming any further. */
  readonly boots: number;
  readonly bootsWithinSeconds: number;
  /** So many starts of init without the end of a burn-in. */
  readonly burnInAttempts: number;
  /** Since when this server has listened; silence before that is its own. */
  readonly listeningSinceMs?: number;
};

/** The defaults of the configuration. */
export const defaultWatchRules: Omit<WatchRules, "deadlineSeconds"> = {
  boots: 5,
  bootsWithinSeconds: 7200,
  burnInAttempts: 3,
};

/** What is known of a machine by looking at it; `lookAgainAtMs` is when that may change without an event. */
export type Progress =
  | { readonly kind: "unwatched" }
  | { readonly kind: "well"; readonly lookAgainAtMs: number }
  | { readonly kind: "stalled"; readonly reason: string };

/** Conditions in which nothing is expected of a machine, or that say what is the matter already. */
const excuses: readonly ConditionKind[] = ["hold", "maintenance", "retired", "waiting"];

/** The phase that a machine is in, since when, and until when it may stay there; undefined where nothing is expected of it. */
export function deadlineOf(
  machine: Machine,
  deadlineSeconds: Deadlines,
): { readonly phase: Phase; readonly sinceMs: number; readonly byMs: number } | undefined {
  const { state, phase, phaseAtMs } = machine;
  if (state === "unknown" || phase === undefined || phaseAtMs === undefined) return undefined;
  // Of one that is up it is its sub's silence that counts.
  const sinceMs = phase === "up" ? machine.lastSeenAtMs : phaseAtMs;
  return { phase, sinceMs, byMs: sinceMs + deadlineSeconds[phase] * 1000 };
}

/** Whether something is expected of a machine in its phase and is late. Cheap: for figures of the whole fleet. */
export function isPastDeadline(machine: Machine, nowMs: number, deadlineSeconds: Deadlines): boolean {
  const deadline = deadlineOf(machine, deadlineSeconds);
  return deadline !== undefined && nowMs >= deadline.byMs && !isExcused(machine);
}

function isExcused(machine: Machine): boolean {
  return excuses.some((kind) => conditionOf(machine, kind) !== undefined);
}

/** Looks at one machine: constant time but for the timeline of one that is being born, which is bounded. */
export function checkProgress(machine: Machine, nowMs: number, rules: WatchRules): Progress {
  const deadline = deadlineOf(machine, rules.deadlineSeconds);
  if (deadline === undefined || isExcused(machine)) return { kind: "unwatched" };
  const { phase, sinceMs } = deadline;
  const byMs = Math.max(sinceMs, rules.listeningSinceMs ?? 0) + rules.deadlineSeconds[phase] * 1000;
  if (nowMs >= byMs) {
    const seconds = Math.round((nowMs - sinceMs) / 1000);
    const reason =
      phase === "up"
        ? `its sub has not been heard for ${formatDuration(seconds)}`
        : `it has been in phase ${phase} for ${formatDuration(seconds)}, longer than the ${formatDuration(rules.deadlineSeconds[phase])} it may`;
    return { kind: "stalled", reason };
  }
  const fruitless = machine.state === "healthy" ? undefined : whyFruitless(machine.timeline, nowMs, rules);
  return fruitless === undefined ? { kind: "well", lookAgainAtMs: byMs } : { kind: "stalled", reason: fruitless };
}

/** What a look at a machine means for its record: an event, or nothing. */
export function watchEvent(machine: Machine, progress: Progress): EventOf<"stalled"> | EventOf<"resumed"> | undefined {
  const failing = conditionOf(machine, "failing");
  if (progress.kind === "stalled")
    return failing === undefined ? { kind: "stalled", id: machine.id, reason: progress.reason } : undefined;
  return failing?.watched === true && progress.kind === "well" ? { kind: "resumed", id: machine.id } : undefined;
}

/** Starts that came no further than earlier ones of the same generation. */
function whyFruitless(timeline: readonly TimelineEntry[], nowMs: number, rules: WatchRules): string | undefined {
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
  const recent = boots.filter((atMs) => nowMs - atMs < rules.bootsWithinSeconds * 1000);
  const [first] = recent;
  if (burnIns >= rules.burnInAttempts)
    return `init started ${burnIns} times and the burn-in did not end: the machine restarts or hangs under load`;
  if (first === undefined || recent.length < rules.boots) return undefined;
  const within = formatDuration(Math.round((nowMs - first) / 1000));
  return `it started ${recent.length} times within ${within} and came no further than ${phases[furthest]}`;
}

/** `90 s`, `15 min`, `4 h`: as long as a person would say it. */
export function formatDuration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
