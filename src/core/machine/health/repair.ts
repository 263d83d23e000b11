import { hasOwnSystem, unheardBootsLimit } from "../life/boot.ts";
import { conditionOf } from "../life/move.ts";
import { type ConditionKind, isLeftToOthers, type Machine, type RepairStep } from "../record.ts";
import { deadlineOf, formatDuration, type WatchRules } from "./stall-detection.ts";

/** The automatic repair of machines that keep failing; off by default. */
export type RepairPolicy = {
  /** How long a machine must be failing before the first step, and between steps. */
  readonly afterSeconds: number;
  /** Maximum number of rebirths of one machine within `withinSeconds`; then it is left to an operator. */
  readonly rebirths: number;
  readonly withinSeconds: number;
  /** Maximum number of rebirths in the whole fleet within an hour. */
  readonly rebirthsPerHour: number;
};
/** The next repair step of a machine, when to check again, or none. */
export type Repair =
  | { readonly kind: "none" }
  | { readonly kind: "later"; readonly lookAgainAtMs: number }
  | { readonly kind: "step"; readonly step: RepairStep; readonly reason: string; readonly silentSinceMs: number };

/** The rules that a repair step depends on. */
export type RepairRules = RepairPolicy & Pick<WatchRules, "deadlineSeconds" | "listeningSinceMs" | "othersUpdate">;

/** Conditions that leave the machine to an operator. */
const manual: readonly ConditionKind[] = ["hold", "maintenance", "conflict", "retired"];

/**
 * The next step for a machine that keeps failing: rebirth within its budget, then *debug*, then *hold*. A healthy machine is
 * sent to rebirth only if its agent is silent past its deadline and it restarts repeatedly, or never had an image: a machine that
 * is switched off or disconnected may be intact. A machine that is being installed already retries by itself.
 */
export function nextRepair(machine: Machine, nowMs: number, rules: RepairRules): Repair {
  const failing = conditionOf(machine, "failing");
  if (failing === undefined || machine.state === "unknown") return { kind: "none" };
  if (rules.othersUpdate === true && isLeftToOthers(machine)) return { kind: "none" };
  if (manual.some((kind) => conditionOf(machine, kind) !== undefined)) return { kind: "none" };
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
  if (!hasLostSystem(machine)) return { kind: "none" };
  return rebirthsAtMs.filter(isRecent).length < rules.rebirths && !debugged ? step("rebirth") : ladder;
}

/** Whether the machine restarts without its system starting, or never had a system. */
function hasLostSystem(machine: Machine): boolean {
  return !hasOwnSystem(machine) || (machine.unheardBoots?.count ?? 0) >= unheardBootsLimit;
}

/** If a larger share of the fleet is silent, the cause is the network or this server, not the machines. */
const silentShareLimit = 0.2;
/** Up to this number, silent machines say nothing about the network. */
const silentCountLimit = 5;

/** Why the policy may not send a machine to rebirth now; undefined if it may. Linear in the fleet, for a rare step. */
export function whyNoRebirth(machines: readonly Machine[], nowMs: number, rules: RepairRules): string | undefined {
  let [healthy, silent, begun] = [0, 0, 0];
  for (const machine of machines) {
    begun += (machine.repair?.rebirthsAtMs ?? []).filter((atMs) => nowMs - atMs < 3_600_000).length;
    if (machine.state !== "healthy") continue;
    if (rules.othersUpdate === true && isLeftToOthers(machine)) continue;
    healthy += 1;
    const deadline = deadlineOf(machine, rules);
    if (deadline !== undefined && nowMs - machine.lastSeenAtMs >= rules.deadlineSeconds.up * 1000) silent += 1;
  }
  if (begun >= rules.rebirthsPerHour)
    return `the policy has already sent ${begun} machines to rebirth within the last hour`;
  if (silent > silentCountLimit && silent > healthy * silentShareLimit)
    return `${silent} of ${healthy} healthy machines are silent, so the cause is the network or this server`;
  return undefined;
}
