import { type LogLine, shortBootId } from "../../core/machine/log-line.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Clock } from "../../core/ports.ts";
import type { LogFiles } from "../logs/log-files.ts";
import type { MachineLogs } from "./machine-logs.ts";

/** The lines of machines: the latest in memory, and all that fit on disk, if the server has a directory for them. */
export type LogLines = {
  /** Lines that a machine sent, in its boot with this id. */
  readonly add: (id: MachineId, lines: readonly string[], bootId?: string) => void;
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
  readonly clock: Pick<Clock, "nowMs">;
  readonly files?: LogFiles | undefined;
}): LogLines {
  const { memory, clock, files } = of;
  const notedAtMs = new Map<MachineId, number>();

  /** Later than the lines before, so that a reader can ask for what came after a time. */
  function nextMs(id: MachineId): number {
    return Math.max(clock.nowMs(), (memory.of(id).at(-1)?.atMs ?? 0) + 1);
  }
  return {
    add: (id, texts, bootId) => {
      const boot = bootId === undefined ? undefined : shortBootId(bootId);
      const atMs = nextMs(id);
      const lines = texts.map((text): LogLine => ({ atMs, ...(boot === undefined ? {} : { boot }), text }));
      memory.add(id, lines);
      files?.add(id, lines);
    },
    note: (id, text) => {
      const line = { atMs: nextMs(id), text };
      memory.add(id, [line]);
      if (clock.nowMs() - (notedAtMs.get(id) ?? Number.NEGATIVE_INFINITY) < notePauseMs) return;
      notedAtMs.set(id, clock.nowMs());
      files?.add(id, [line]);
    },
    latest: (id) => memory.of(id).map(({ text }) => text),
    all: async (id) => {
      const latest = memory.of(id);
      // A disk that refuses must not hide what is in memory.
      const kept = (await files?.read(id).catch(() => [])) ?? [];
      const lastMs = kept.at(-1)?.atMs ?? 0;
      return kept.length === 0 ? latest : [...kept, ...latest.filter(({ atMs }) => atMs > lastMs)];
    },
    forget: (id) => {
      memory.forget(id);
      notedAtMs.delete(id);
      files?.forget(id);
    },
  };
}
