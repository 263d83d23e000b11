import { type LogLine, readLogLines, writeLogLines } from "../../core/machine/log-line.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Log } from "../../core/ports.ts";
import type { AskLogs } from "./log-thread.ts";

/** The lines of machines on disk. */
export type LogFiles = AsyncDisposable & {
  readonly add: (id: MachineId, lines: readonly LogLine[]) => void;
  readonly read: (id: MachineId) => Promise<readonly LogLine[]>;
  readonly forget: (id: MachineId) => void;
};

/** How long lines wait in memory. */
const collectMs = 1000;
/** Characters of one machine that are written in this time, and of all: who says more loses the rest. */
const perMachine = 64 << 10;
const inAll = 16 << 20;

type FilesOver = {
  readonly ask: AskLogs;
  readonly log: Log;
  readonly later?: (act: () => void) => void;
  readonly close?: () => Promise<void>;
};

/**
 * Collects lines for a second and hands them to the thread of the logs. While that is busy or the disk refuses, further lines
 * are collected up to a limit, and what is beyond it is dropped.
 */
export function logFiles({ ask, log, later = afterAWhile, close = async () => {} }: FilesOver): LogFiles {
  let pending = new Map<MachineId, string>();
  let characters = 0;
  let writing: Promise<void> | undefined;
  let isAwaited = false;
  let isFailing = false;

  function takeBatch(): readonly (readonly [string, string])[] {
    const batch = [...pending];
    pending = new Map();
    characters = 0;
    return batch;
  }
  async function write(): Promise<void> {
    try {
      await ask({ kind: "append", batch: takeBatch() });
      if (isFailing) log("info", "log lines of machines are kept again");
      isFailing = false;
    } catch (error) {
      if (!isFailing) {
        const next = "make room on the disk of the state directory; until then lines are only in memory";
        log("error", "keeping the log lines of machines failed", { error: String(error), next });
      }
      isFailing = true;
    }
  }
  /** One batch at a time. */
  function flush(): Promise<void> {
    if (writing !== undefined) return writing.then(flush);
    if (pending.size === 0) return Promise.resolve();
    writing = write().finally(() => {
      writing = undefined;
    });
    return writing;
  }
  function flushSoon(): void {
    if (isAwaited) return;
    isAwaited = true;
    later(() => {
      isAwaited = false;
      void flush();
    });
  }

  return {
    add: (id, lines) => {
      const before = pending.get(id) ?? "";
      const room = Math.min(perMachine - before.length, inAll - characters);
      const text = wholeLines(writeLogLines(lines), room);
      if (text === "") return;
      pending.set(id, before + text);
      characters += text.length;
      flushSoon();
    },
    read: async (id) => {
      await flush();
      return readLogLines(await ask({ kind: "read", id }));
    },
    forget: (id) => {
      pending.delete(id);
      ask({ kind: "forget", id }).catch(() => {
        // Nobody finds them any more, and the limit of the directory removes them.
      });
    },
    [Symbol.asyncDispose]: async () => {
      await flush();
      await close();
    },
  };
}

/** As many lines as fit. */
function wholeLines(text: string, room: number): string {
  return text.length <= room ? text : text.slice(0, text.lastIndexOf("\n", Math.max(0, room - 1)) + 1);
}

function afterAWhile(act: () => void): void {
  setTimeout(act, collectMs).unref();
}
