import type { LabMachineView } from "../../contract/lab.ts";
import { type Phase, phases } from "../../core/machine/phase.ts";
import type { Machine } from "../../core/machine/record.ts";

/** How far a machine has come, and when it last made progress. */
export type Progress = { readonly mark: string; readonly furthest: number; readonly atMs: number };

/** The outcome of a machine so far. */
export type BirthOutcome =
  | { readonly kind: "working" }
  | { readonly kind: "up" }
  | { readonly kind: "failed"; readonly reason: string };

/** Time limits of a demo: for the whole, and for a machine without progress. */
export type BirthLimits = { readonly deadlineMs: number; readonly stallMs: number };

/** Phases in which a machine transfers much data; each new detail counts as progress. */
const longPhases: readonly Phase[] = ["fetching", "updating"];

/**
 * Progress is a phase never reached before, or a new detail inside a long phase. A machine that fails and restarts
 * again and again makes none, however busy it looks.
 */
export function followProgress(before: Progress, machine: Machine | undefined, nowMs: number): Progress {
  if (machine?.phase === undefined) return before;
  const reached = phases.indexOf(machine.phase);
  if (reached < before.furthest) return before;
  const detail = longPhases.includes(machine.phase) ? (machine.timeline.at(-1)?.detail ?? "") : "";
  const mark = `${machine.phase} ${detail}`;
  return reached > before.furthest || mark !== before.mark ? { mark, furthest: reached, atMs: nowMs } : before;
}

/** Progress of a machine that was just switched on. */
export const noProgress = (nowMs: number): Progress => ({ mark: "", furthest: -1, atMs: nowMs });

/** Judges one machine; `power` is its power state in the virtual rack. */
export function judge(
  machine: Machine | undefined,
  progress: Progress,
  at: { readonly nowMs: number; readonly startedAtMs: number; readonly power: LabMachineView["power"] } & BirthLimits,
): BirthOutcome {
  if (machine?.state === "healthy" && machine.phase === "up") return { kind: "up" };
  const trouble =
    machine?.conditions
      .map((condition) => `${condition.kind}: ${condition.reason}`)
      .join("; ")
      .trim() ?? "";
  const because = trouble === "" ? "" : ` (${trouble})`;
  const last = machine === undefined ? "it never requested an address" : `last seen: ${machine.phase ?? "nothing"}`;
  if (at.power === "off") return { kind: "failed", reason: `the machine switched itself off; ${last}${because}` };
  if (at.nowMs - at.startedAtMs > at.deadlineMs) {
    return { kind: "failed", reason: `not up after ${minutes(at.deadlineMs)}; ${last}${because}` };
  }
  if (at.nowMs - progress.atMs > at.stallMs) {
    return { kind: "failed", reason: `no progress for ${minutes(at.stallMs)}; ${last}${because}` };
  }
  return { kind: "working" };
}

const minutes = (ms: number) => `${Math.round(ms / 60_000)} min`;
