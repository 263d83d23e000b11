import * as host from "host";
import type { Order, ReportItem } from "../../contract/machine-facing.ts";
import type { Console } from "../device/console.ts";
import type { Mdb, ProgressReport } from "./mdb.ts";
import { messageOf } from "./stop.ts";

type PhaseItem = Extract<ReportItem, { kind: "phase" }>;
/** Longest text that the contract takes, with room to spare. */
const longestText = 2000;

/** What this boot tells the MDB. Log lines that have gathered go along with every report. */
export type Session = {
  readonly report: (items: readonly ProgressReport[]) => void;
  /** A phase is reached, some further news with it; its duration is the time since the phase before. */
  readonly phase: (phase: PhaseItem["phase"], detail?: string, items?: readonly ProgressReport[]) => void;
  /** The last words of a birth that failed; an MDB that does not take them is no further failure. */
  readonly failed: (step: string, reason: string) => void;
};

/** The session of an order. The first phase is counted from the kernel's start. */
export function openSession(mdb: Mdb, order: Order, console: Console): Session {
  let phaseStartMs = 0;

  function withLog(items: readonly ProgressReport[]): readonly ProgressReport[] {
    const lines = console.takeLines();
    return lines.length === 0 ? items : [{ kind: "log", lines: [...lines] }, ...items];
  }
  function report(items: readonly ProgressReport[]): void {
    mdb.report(order.session, withLog(items));
  }

  function phase(reached: PhaseItem["phase"], detail?: string, items: readonly ProgressReport[] = []): void {
    const nowMs = host.monotonicMs();
    const durationMs = Math.round(nowMs - phaseStartMs);
    phaseStartMs = nowMs;
    const facts = detail === undefined ? {} : { detail: detail.slice(0, longestText) };
    report([...items, { kind: "phase", phase: reached, durationMs, ...facts }]);
  }

  function failed(step: string, reason: string): void {
    try {
      mdb.reportInShort(order.session, withLog([{ kind: "failed", step, reason: reason.slice(0, longestText) }]));
    } catch (error) {
      console.log("warn", "the MDB could not be told", { fault: messageOf(error) });
    }
  }

  return { report, phase, failed };
}
