import { unheardBootsLimit } from "../life/boot.ts";
import { conditionOf } from "../life/move.ts";
import type { ConditionKind, Machine, RepairStep } from "../record.ts";
import { deadlineOf, formatDuration, type WatchRules } from "./stall-detection.ts";

/** What is done by itself about machines that keep failing. There is none by default. */
export type RepairPolicy = {
  /** How long a machine must be failing, and after each step again. */
  readonly afterSeconds: number;
  /** Rebirths of one machine within `withinSeconds`; then it is left to a person. */
  readonly rebirths: number;
  readonly withinSeconds: number;
  /** Rebirths of the whole fleet within an hour. */
  readonly rebirthsPerHour: number;
};
export type Repair =
  | { readonly kind: "none" }
  | { readonly kind: "later"; readonly lookAgainAtMs: number }
  | { readonly kind: "step"; readonly step: RepairStep; readonly reason: string; readonly silentSinceMs: number };

/** All that a step hangs on. */
export type RepairRules = RepairPolicy & Pick<WatchRules, "deadlineSeconds" | "listeningSinceMs">;

/** A person is at it, or must be: nothing is done by itself. */
const personal: readonly ConditionKind[] = ["hold", "maintenance", "conflict", "retired"];

/**
 * The next step for a machine that keeps failing: rebirth within its budget, then *debug*, then *hold*. A healthy machine is only
 * sent to rebirth when its sub is silent past its deadline and it restarts again and again, or never had an image: one that is
 * switched off or cut off from us has done nothing. One that is being installed tries again by itself already.
 */
export function nextRepair(machine: Machine, nowMs: number, rules: RepairRules): Repair {
  const failing = conditionOf(machine, "failing");
  if (failing === undefined || machine.state === "unknown") return { kind: "none" };
  if (personal.some((kind) => conditionOf(machine, kind) !== undefined)) return { kind: "none" };
  const dueAtMs = Math.max(failing.sinceMs, machine.repair?.atMs ?? 0) + rules.afterSeconds * 1000;
  if (nowMs < dueAtMs) return { kind: "later", lookAgainAtMs: dueAtMs };
  const silentSinceMs = nowMs - rules.deadlineSeconds.up * 1000;
  const step = (one: RepairStep): Repair => {
    const since = formatDuration(Math.round((nowMs - failing.sinceMs) / 1000));
    return { kind: "step", step: one, reason: `failing for ${since}: ${failing.reason}`, silentSinceMs };
  };
  const { rebirthsAtMs = [], debugAtMs } = machine.repair ?? {};
  const isRecent = (atMs: number) => nowMs - atMs < rules.withinSeconds * 1000;
  const debugged = conditionOf(machine, "debug") !== undefined || (debugAtMs !== undefined && isRecent(debugAtMs));
  const ladder = debugged ? step("hold") : step("debug");
  if (machine.state !== "healthy") return ladder;
  const listenedSinceMs = Math.max(machine.lastSeenAtMs, rules.listeningSinceMs ?? 0);
  if (listenedSinceMs > silentSinceMs)
    return { kind: "later", lookAgainAtMs: listenedSinceMs + rules.deadlineSeconds.up * 1000 };
  if (!isLost(machine)) return { kind: "none" };
  return rebirthsAtMs.filter(isRecent).length < rules.rebirths && !debugged ? step("rebirth") : ladder;
}

/** It restarts and its system does not come, or there never was one. */
function isLost({ unheardBoots, runningImage }: Machine): boolean {
  return runningImage === undefined || (unheardBoots?.count ?? 0) >= unheardBootsLimit;
}

/** A fleet of which so large a share is silent is not broken: we, or the network, are. */
const silentShareLimit = 0.2;
/** Fewer say nothing about the network. */
const silentCountLimit = 5;

/** Why no machine may be sent to rebirth by itself now; undefined if one may. One pass over the fleet, for the rare step. */
export function whyNoRebirth(machines: readonly Machine[], nowMs: number, rules: RepairRules): string | undefined {
  let [healthy, silent, begun] = [0, 0, 0];
  for (const machine of machines) {
    begun += (machine.repair?.rebirthsAtMs ?? []).filter((atMs) => nowMs - atMs < 3_600_000).length;
    if (machine.state !== "healthy") continue;
    healthy += 1;
    const deadline = deadlineOf(machine, rules.deadlineSeconds);
    if (deadline !== undefined && nowMs - machine.lastSeenAtMs >= rules.deadlineSeconds.up * 1000) silent += 1;
  }
  if (begun >= rules.rebirthsPerHour) return `${begun} machines were sent to rebirth within the last hour`;
  if (silent > silentCountLimit && silent > healthy * silentShareLimit)
    return `${silent} of ${healthy} healthy machines are silent: it is the network or this server`;
  return undefined;
}
