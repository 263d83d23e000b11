import * as host from "host";
import * as std from "std";
import type { Log } from "../../core/ports.ts";
import { readTextIfThere } from "../system/files.ts";

/** How many lines wait for the MDB at most; the oldest go first. */
const mostKeptLines = 500;

/** All consoles of the machine at once, and the lines that the MDB has not heard yet. */
export type Console = {
  /** One line with the time since power-on, for people and for the MDB. */
  readonly log: Log;
  /** Lines as they are, for people only. */
  readonly show: (lines: readonly string[]) => void;
  /** Takes the lines that wait for the MDB. */
  readonly takeLines: () => readonly string[];
};

/** Opens every console that the kernel writes to: /dev/console is only the last of them, and the person may be at the other. */
export function openConsole(): Console {
  const names = (readTextIfThere("/sys/class/tty/console/active") ?? "").trim().split(/\s+/);
  const files = names.flatMap((name) => {
    const file = name === "" ? null : std.open(`/dev/${name}`, "w");
    return file === null ? [] : [file];
  });
  const outputs = files.length === 0 ? [std.out] : files;
  let waiting: string[] = [];

  function show(lines: readonly string[]): void {
    const text = lines.map((line) => `${line}\r\n`).join("");
    for (const output of outputs) {
      output.puts(text);
      output.flush();
    }
  }

  const log: Log = (level, message, facts = {}) => {
    const details = Object.entries(facts).map(([name, value]) => ` ${name}=${factText(value)}`);
    const mark = level === "info" || level === "debug" ? "" : `${level.toUpperCase()}: `;
    const seconds = (host.monotonicMs() / 1000).toFixed(1).padStart(6);
    const line = `[${seconds}] ${mark}${message}${details.join("")}`;
    waiting.push(line.slice(0, 2000));
    if (waiting.length > mostKeptLines) waiting.shift();
    show([line]);
  };

  function takeLines(): readonly string[] {
    const lines = waiting;
    waiting = [];
    return lines;
  }

  return { log, show, takeLines };
}

function factText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[^\s"]+$/.test(text) ? text : JSON.stringify(text.replace(/^"|"$/g, ""));
}
