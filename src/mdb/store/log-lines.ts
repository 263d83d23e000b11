import { type LogLine, linesByTime, shortBootId } from "../../core/machine/log-line.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { withoutRepeats } from "../../core/machine/unverified-line.ts";
import type { Clock } from "../../core/ports.ts";
import type { LogFiles } from "../logs/log-files.ts";
import type { MachineLogs } from "./machine-logs.ts";

/** The lines of machines: the latest in memory, and all that fit on disk, if the server has a directory for them. */
export type LogLines = {
  /** Lines that a machine sent, in its boot with this id. */
  readonly add: (id: MachineId, lines: readonly string[], bootId?: string) => void;
  /** Unverified lines that came by UDP, marked as such: in memory only, beside the others, which they never displace. */
  readonly addEarly: (id: MachineId, lines: readonly string[], bootId: string) => void;
  /** A line that the server says of a machine, perhaps because of what a stranger sent in its name. */
  readonly note: (id: MachineId, text: string) => void;
  readonly latest: (id: MachineId) => readonly string[];
  readonly all: (id: MachineId) => Promise<readonly LogLine[]>;
  readonly forget: (id: MachineId) => void;
};

/** A stranger must not be able to push a machine's own lines out of its file. */
const notePauseMs = 10_000;

export function logLines(of: {
  readonly memory: MachineLogs;
  /** Of unverified lines. */
  readonly early: MachineLogs;
  readonly clock: Pick<Clock, "nowMs">;
  readonly files?: LogFiles | undefined;
}): LogLines {
  const { memory, early, clock, files } = of;
  const notedAtMs = new Map<MachineId, number>();

  /** Later than the lines before, so that a reader can ask for what came after a time. */
  function nextMs(id: MachineId): number {
    const lastMs = Math.max(memory.of(id).at(-1)?.atMs ?? 0, early.of(id).at(-1)?.atMs ?? 0);
    return Math.max(clock.nowMs(), lastMs + 1);
  }
  function sameReport(id: MachineId, texts: readonly string[], bootId: string | undefined): readonly LogLine[] {
    const boot = bootId === undefined ? undefined : shortBootId(bootId);
    const atMs = nextMs(id);
    return texts.map((text): LogLine => ({ atMs, ...(boot === undefined ? {} : { boot }), text }));
  }
  /** Drops the unverified lines that verified ones now say. */
  function forgetRepeats(id: MachineId): void {
    const unverified = early.of(id);
    if (unverified.length === 0) return;
    const left = new Set(withoutRepeats([...unverified, ...memory.of(id)]));
    const kept = unverified.filter((line) => left.has(line));
    if (kept.length === unverified.length) return;
    early.forget(id);
    if (kept.length > 0) early.add(id, kept);
  }
  return {
    add: (id, texts, bootId) => {
      const lines = sameReport(id, texts, bootId);
      memory.add(id, lines);
      files?.add(id, lines);
      forgetRepeats(id);
    },
    addEarly: (id, texts, bootId) => early.add(id, sameReport(id, texts, bootId)),
    note: (id, text) => {
      const line = { atMs: nextMs(id), text };
      memory.add(id, [line]);
      if (clock.nowMs() - (notedAtMs.get(id) ?? Number.NEGATIVE_INFINITY) < notePauseMs) return;
      notedAtMs.set(id, clock.nowMs());
      files?.add(id, [line]);
    },
    latest: (id) => linesByTime(memory.of(id), early.of(id)).map(({ text }) => text),
    all: async (id) => {
      // A disk that refuses must not hide what is in memory.
      const kept = (await files?.read(id).catch(() => [])) ?? [];
      const lastMs = kept.at(-1)?.atMs ?? 0;
      const lines = memory.of(id);
      const verified = kept.length === 0 ? lines : [...kept, ...lines.filter(({ atMs }) => atMs > lastMs)];
      return linesByTime(verified, early.of(id));
    },
    forget: (id) => {
      memory.forget(id);
      early.forget(id);
      notedAtMs.delete(id);
      files?.forget(id);
    },
  };
}
