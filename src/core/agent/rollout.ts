import { isAhead } from "../clock-jump.ts";
import type { MachineId } from "../machine/record.ts";
import type { AgentReport } from "./version.ts";

/** A machine that had the offer to try a version of the agent, and when (milliseconds since 1970). */
export type AgentTrial = { readonly machine: MachineId; readonly sinceMs: number };

/** How far a version of the agent has come in the fleet. */
export type AgentRollout = {
  /** Number of machines that run the version. */
  readonly confirmed: number;
  /** Number of machines that tried it and keep their former one. */
  readonly rejected: number;
  /** Offers whose outcome is not known yet. */
  readonly trials: readonly AgentTrial[];
};

/** What an agent says of a version. */
export type AgentOutcome = "confirmed" | "rejected" | "neither";

/** The limits of a rollout. */
export const rolloutLimits = {
  /** Time for a new agent to be confirmed: longer than a restart of the server or of a switch. */
  deadlineSeconds: 600,
  /** A machine that got the offer and has not polled for this long counts as silent. */
  silentMs: 3 * 600_000,
  /** Minimum number of silent machines that stops the rollout: a single one may have been switched off. */
  silent: 2,
  /** Maximum number of machines that try at once: their list is written with each offer. */
  atOnce: 1000,
  retryMs: 600_000,
  /** Trials of another version that are older than this are of no use to any server. */
  forgottenMs: 7 * 86_400_000,
} as const;

/** What a machine's agent says of a version. */
export function outcomeOf(agent: AgentReport | undefined, version: string): AgentOutcome {
  if (agent?.rejected?.version === version) return "rejected";
  return agent?.version === version ? "confirmed" : "neither";
}

/**
 * Whether a machine may be offered the version now: one first, then as many at once as have confirmed it, which doubles; none
 * once a machine has rejected it, or when several never came back.
 */
export function mayTry({ confirmed, rejected, trials }: AgentRollout, id: MachineId, nowMs: number): boolean {
  if (rejected > 0) return false;
  // A trial that was noted while the clock was ahead would hold the place of another for as long.
  const others = trials.filter(({ machine, sinceMs }) => machine !== id && !isAhead(sinceMs, nowMs));
  const silent = others.filter(({ sinceMs }) => nowMs - sinceMs >= rolloutLimits.silentMs).length;
  if (silent >= Math.max(rolloutLimits.silent, confirmed)) return false;
  return others.length - silent < Math.min(rolloutLimits.atOnce, Math.max(1, confirmed));
}
