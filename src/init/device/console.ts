import * as host from "host";
import * as std from "std";
import type { Log } from "../../core/ports.ts";
import { exists, readTextIfThere } from "../system/files.ts";

/** Limit of pending lines for the MDB; the oldest are dropped. */
const mostKeptLines = 500;

/** What the kernel draws text in; the firmware's at first. */
const frameBuffer = "/sys/class/graphics/fb0";
/** The console of a monitor, or of a management controller's remote screen. */
const monitor = "tty0";

/** All consoles of the machine, and the lines not yet sent to the MDB. */
export type Console = {
  /** Prints one line with the time since power-on, for people and for the MDB. */
  readonly log: Log;
  /** Prints lines unchanged, for people only. */
  readonly show: (lines: readonly string[]) => void;
  /** Takes the pending lines for the MDB. */
  readonly takeLines: () => readonly string[];
  /** Calls back with each pending line and then with each further one, in place of any former listener; undefined ends it. */
  readonly copyTo: (listener: ((line: string) => void) | undefined) => void;
};

/**
 * Opens every console that the kernel writes to: /dev/console is only the last of them, and the operator may use
 * another. On arm64 the firmware names a serial port and the kernel writes to no other: a monitor is opened beside it.
 */
export function openConsole(): Console {
  const active = (readTextIfThere("/sys/class/tty/console/active") ?? "").trim().split(/\s+/);
  const names = new Set([...active, ...(exists(frameBuffer) ? [monitor] : [])]);
  const files = [...names].flatMap((name) => {
    const file = name === "" ? null : std.open(`/dev/${name}`, "w");
    return file === null ? [] : [file];
  });
  const outputs = files.length === 0 ? [std.out] : files;
  let pending: string[] = [];
  let copy: ((line: string) => void) | undefined;

  function show(lines: readonly string[]): void {
    const text = lines.map((line) => `${line}\r\n`).join("");
    for (const output of outputs) {
      output.puts(text);
      output.flush();
    }
  }

  const log: Log = (level, message, facts = {}) => {
    const line = describeEntry(level, message, facts);
    pending.push(line.slice(0, 2000));
    if (pending.length > mostKeptLines) pending.shift();
    show([line]);
    copy?.(line);
  };

  function takeLines(): readonly string[] {
    const lines = pending;
    pending = [];
    return lines;
  }

  function copyTo(listener: ((line: string) => void) | undefined): void {
    copy = listener;
    if (listener !== undefined) for (const line of pending) listener(line);
  }

  return { log, show, takeLines, copyTo };
}

/** A log entry as one line, with the time since power-on. */
export function describeEntry(...[level, message, facts = {}]: Parameters<Log>): string {
  const details = Object.entries(facts).map(([name, value]) => ` ${name}=${factText(value)}`);
  const mark = level === "info" || level === "debug" ? "" : `${level.toUpperCase()}: `;
  const seconds = (host.monotonicMs() / 1000).toFixed(1).padStart(6);
  return `[${seconds}] ${mark}${message}${details.join("")}`;
}

function factText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[^\s"]+$/.test(text) ? text : JSON.stringify(text.replace(/^"|"$/g, ""));
}
