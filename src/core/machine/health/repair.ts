import { counted } from "../../bytes/counted.ts";
import { isWithin } from "../../clock-jump.ts";
import type { ConditionKind } from "../condition.ts";
import { hasOwnSystem, unheardBootsLimit } from "../life/boot.ts";
import { conditionOf } from "../life/move.ts";
import { isLeftToOthers } from "../next-boot.ts";
import type { Machine } from "../record.ts";
import type { RepairStep, RepairTrial } from "../repair-step.ts";
import { type DeadlineRules, deadlineOf, formatDuration, type WatchRules } from "./stall-detection.ts";

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
 * Network boots that a silent machine must prove before it may be erased. After each of them it is sent to its disk, and its
 * agent has the deadline of `rebooting` to poll.
 */
export const provedBootsBeforeRebirth = 2;

/**
 * The next step for a machine that keeps failing: rebirth within its budget, then *debug*, then *hold*. A healthy machine is
 * sent to rebirth only if its agent is silent past its deadline and it has proved, by tokens that its init presented, that it
 * restarts repeatedly: packets alone are no evidence, because anyone on its network can send them. A machine that still
 * awaits its first image has nothing to lose. One that is being installed already retries by itself.
 */
export function nextRepair(machine: Machine, nowMs: number, rules: RepairRules): Repair {
  const failing = conditionOf(machine, "failing");
  if (failing === undefined || machine.state === "unknown") return { kind: "none" };
  if (rules.othersUpdate === true && isLeftToOthers(machine)) return { kind: "none" };
  // Its data may be whole: only the path to its key is closed, and an operator can open it.
  if (machine.state === "healthy" && machine.diskKey?.kind === "sealed") return { kind: "none" };
  if (manual.some((kind) => conditionOf(machine, kind) !== undefined)) return { kind: "none" };
  // Times that a wrong clock put into the future only delay a step, which is the safe side.
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
  if (!seemsLost(machine)) return { kind: "none" };
  if (rebirthsAtMs.filter(isRecent).length >= rules.rebirths || debugged) return ladder;
  if (machine.awaitsFirstImage === true) return step("rebirth");
  return afterTrial(machine.repair?.trial, nowMs, rules) ?? step(isProved(machine) ? "rebirth" : "prove");
}

/** What a trial that runs waits for: a network boot, or the agent after one; undefined if the next step may be taken. */
function afterTrial(trial: RepairTrial | undefined, nowMs: number, rules: RepairRules): Repair | undefined {
  if (trial === undefined) return undefined;
  if (trial.asked === true) return { kind: "none" };
  const diskHadChanceAtMs =
    Math.max(trial.atMs, rules.listeningSinceMs ?? trial.atMs) + rules.deadlineSeconds.rebooting * 1000;
  return nowMs < diskHadChanceAtMs ? { kind: "later", lookAgainAtMs: diskHadChanceAtMs } : undefined;
}

function isProved({ repair }: Machine): boolean {
  return (repair?.trial?.boots ?? 0) >= provedBootsBeforeRebirth;
}

/**
 * Whether the machine seems to restart without its system starting, or never had a system. Packets say so, so this only asks
 * for proof.
 */
function seemsLost(machine: Machine): boolean {
  return !hasOwnSystem(machine) || (machine.unheardBoots?.count ?? 0) >= unheardBootsLimit;
}

/** Whether the permanent address of a machine answered a probe of this server. */
export type Presence = "answers" | "silent" | "unknown";

/** Why a step of the policy that leads to a wipe is not taken now; undefined if it may be. */
export function whyNotWithPresence(presence: Presence): string | undefined {
  switch (presence) {
    case "answers":
      return "its permanent address answers, so a system runs there although its agent is silent";
    case "unknown":
      return "this server could not probe its permanent address";
    case "silent":
      return undefined;
  }
}

/** If a larger share of the fleet is silent, the cause is the network or this server, not the machines. */
const silentShareLimit = 0.2;
/** Up to this number, silent machines say nothing about the network. */
const silentCountLimit = 5;

/** What a rebirth by policy depends on in the whole fleet. */
export type RepairTally = {
  /** Healthy machines that are watched, and those of them that are silent past their deadline. */
  readonly healthy: number;
  readonly silent: number;
  /** Rebirths by policy within the last hour. */
  readonly begun: number;
};

/** The tally of a fleet without machines. */
export const emptyTally: RepairTally = { healthy: 0, silent: 0, begun: 0 };

/** The tally with one more machine. */
export function tallyForRepair(
  tally: RepairTally,
  machine: Machine,
  { nowMs, ...rules }: DeadlineRules & { readonly nowMs: number },
): RepairTally {
  const recent = (machine.repair?.rebirthsAtMs ?? []).filter((atMs) => nowMs - atMs < 3_600_000).length;
  const begun = tally.begun + recent;
  const isLeft = rules.othersUpdate === true && isLeftToOthers(machine);
  if (machine.state !== "healthy" || isLeft) return recent === 0 ? tally : { ...tally, begun };
  const isWatched = deadlineOf(machine, rules) !== undefined;
  const isSilent = isWatched && !isWithin(rules.deadlineSeconds.up * 1000, machine.lastSeenAtMs, nowMs);
  return { healthy: tally.healthy + 1, silent: tally.silent + (isSilent ? 1 : 0), begun };
}

/** Why the policy may not send a machine to rebirth now; undefined if it may. */
export function whyNoRebirth(
  { healthy, silent, begun }: RepairTally,
  { rebirthsPerHour }: Pick<RepairPolicy, "rebirthsPerHour">,
): string | undefined {
  if (begun >= rebirthsPerHour)
    return `the policy has already sent ${counted(begun, "machine")} to rebirth within the last hour`;
  if (silent > silentCountLimit && silent > healthy * silentShareLimit)
    return `${silent} of ${healthy} healthy machines are silent, so the cause is the network or this server`;
  return undefined;
}
