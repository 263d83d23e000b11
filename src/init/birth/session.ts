import * as host from "host";
import type { ReportAnswer, ReportItem } from "../../contract/machine/report.ts";
import type { OrderAnswer } from "../../core/birth/order-answer.ts";
import type { WorkProgress } from "../../core/machine/work-progress.ts";
import type { Console } from "../device/console.ts";
import { openKernelLog } from "../device/kernel/kernel-log.ts";
import { kernelLines } from "../device/kernel-lines.ts";
import type { Mdb, ProgressReport } from "./mdb.ts";
import { messageOf } from "./stop.ts";

type PhaseItem = Extract<ReportItem, { kind: "phase" }>;
/** Longest text that the contract accepts, with some margin. */
const longestText = 2000;
/** Disks that erase themselves are asked more often than a server needs to hear. */
const progressEveryMs = 30_000;

/** What this boot reports to the MDB. Every report also carries the pending log lines. */
export type Session = {
  readonly report: (items: readonly ProgressReport[]) => ReportAnswer;
  /** Reports a new phase with further items; its duration is the time since the previous phase. */
  readonly phase: (phase: PhaseItem["phase"], detail?: string, items?: readonly ProgressReport[]) => ReportAnswer;
  /** Says how far the burn-in is, or other work, to a server that wants to know; after one failure no more, because the birth must not wait for it. */
  readonly progress: (progress: WorkProgress) => void;
  /** Reports a failed birth, perhaps because of a conflict; ignores an MDB that does not accept the report. */
  readonly failed: (step: string, reason: string, conflict: true | undefined) => void;
};

/** Messages of one report: of more, the newest, as of init's own lines. */
const mostKernelLines = 400;

/** The session of an order. The first phase is counted from the kernel's start. */
export function openSession(mdb: Mdb, order: OrderAnswer, console: Console): Session {
  let phaseStartMs = 0;
  let progressAgainMs = 0;
  let takesProgress = order.takesProgress === true;
  const kernel = openKernelLog();

  function withLog(items: readonly ProgressReport[]): readonly ProgressReport[] {
    const said = kernelLines(kernel.take(), mostKernelLines);
    const leftOut = said.left === 0 ? [] : [`kernel: ${said.left} earlier messages are left out`];
    const lines = [...leftOut, ...said.lines, ...console.takeLines()];
    return lines.length === 0 ? items : [{ kind: "log", lines: [...lines] }, ...items];
  }
  function report(items: readonly ProgressReport[]): ReportAnswer {
    return mdb.report(order.session, withLog(items));
  }

  function phase(reached: PhaseItem["phase"], detail?: string, items: readonly ProgressReport[] = []): ReportAnswer {
    const nowMs = host.monotonicMs();
    const durationMs = Math.round(nowMs - phaseStartMs);
    phaseStartMs = nowMs;
    const facts = detail === undefined ? {} : { detail: detail.slice(0, longestText) };
    return report([...items, { kind: "phase", phase: reached, durationMs, ...facts }]);
  }

  function progress(work: WorkProgress): void {
    const nowMs = host.monotonicMs();
    if (!takesProgress || (work.what === "erase" && nowMs < progressAgainMs)) return;
    progressAgainMs = nowMs + progressEveryMs;
    try {
      mdb.reportBriefly(order.session, withLog([{ kind: "progress", ...work }]));
    } catch (error) {
      takesProgress = false;
      console.log("warn", "reporting the progress failed", { fault: messageOf(error) });
    }
  }

  function failed(step: string, reason: string, conflict: true | undefined): void {
    const kind = conflict ? { conflict } : {};
    try {
      mdb.reportBriefly(
        order.session,
        withLog([{ kind: "failed", step, reason: reason.slice(0, longestText), ...kind }]),
      );
    } catch (error) {
      console.log("warn", "reporting the failure to the MDB failed", { fault: messageOf(error) });
    }
  }

  return { report, phase, progress, failed };
}
