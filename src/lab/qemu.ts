import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { openQmp, type Qmp, type QmpEvent } from "./qmp.ts";

/** A running QEMU. */
export type Qemu = {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly qmp: Qmp;
  /** Resolves when the process has ended and its output is closed. */
  readonly exited: Promise<unknown>;
};

/** How QEMU ended, and the end of what it wrote to standard error. */
export type QemuEnd = { readonly status: unknown; readonly signal: unknown; readonly output: string };

/** Characters kept of what QEMU writes to standard error. */
const keptOutput = 2000;

/** Starts QEMU and connects to its monitor; throws with QEMU's output when it does not start. */
export async function startQemu(options: {
  readonly name: string;
  readonly program: string;
  readonly argv: readonly string[];
  readonly onEvent: (event: QmpEvent) => void;
  readonly onEnd: (how: QemuEnd) => void;
}): Promise<Qemu> {
  const { name, program, argv, onEvent, onEnd } = options;
  const child = spawn(program, argv, { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  // Where no descriptor is free, it has no streams.
  if (child.pid !== undefined)
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-keptOutput);
    });
  const exited = new Promise((resolve) => child.once("close", resolve));
  child.once("close", (status, signal) => onEnd({ status, signal, output: output.trim() }));
  try {
    await once(child, "spawn");
    const qmp = await openQmp(child.stdout, child.stdin, onEvent);
    return { process: child, qmp, exited };
  } catch (cause) {
    child.kill("SIGKILL");
    throw new Error(`${name}: QEMU did not start: ${output.trim() || "no output"}`, { cause });
  }
}
