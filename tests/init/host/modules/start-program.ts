import type { ExecOptions } from "os";
import type { ForegroundProgram, Kernel } from "../kernel.ts";
import { startPeerServer } from "../programs/peer-server.ts";
import { programs } from "../programs/programs.ts";
import type { Child } from "../system/child.ts";
import type { OpenFile } from "../system/descriptors.ts";
import { isFault, numberOf, textOf } from "../system/errno.ts";
import type { Trouble } from "../system/trouble.ts";

/** How long a program takes without troubles. */
const programMs = 40;
const notStarted = 127;
const sigKill = 9;

/**
 * Starts argv: one of our scripts as its own process, or a modelled program, whose effects appear at once and which
 * ends a little later.
 */
export function startProgram(
  kernel: Kernel,
  argv: readonly string[],
  options: ExecOptions,
): { readonly pid: number; readonly missing: boolean } {
  const { cpu, files } = kernel;
  const text = argv.join(" ");
  const pid = kernel.nextPid();
  return cpu.call("exec", text, (trouble) => {
    kernel.ran.push(text);
    for (const [fd, ours] of [options.stdin, options.stdout, options.stderr].entries())
      if (ours !== undefined) files.put(pid, fd, files.get(cpu.current(), ours));
    const script = kernel.scripts[argv[1] ?? ""];
    const path = pathOf(kernel, argv[0] ?? "");
    const missing = path === undefined;
    if (argv[0] === "birther-peer") {
      kernel.children.set(pid, startPeerServer(kernel, pid));
      return { pid, missing: false };
    }
    const foreground = missing ? undefined : kernel.foregroundOf(argv);
    if (foreground !== undefined) kernel.children.set(pid, startForeground(kernel, foreground));
    else if (script !== undefined && !missing) kernel.children.set(pid, startScript(kernel, pid, script));
    else kernel.children.set(pid, runModel(kernel, { pid, argv, path, trouble, env: options.env ?? {} }));
    return { pid, missing };
  });
}

/** The path of a program in the image, also found by the search path. */
function pathOf(kernel: Kernel, name: string): string | undefined {
  const candidates = name.includes("/")
    ? [name]
    : ["/usr/local/sbin", "/usr/sbin", "/usr/bin"].map((at) => `${at}/${name}`);
  return candidates.find((path) => {
    try {
      return kernel.mounts.find(path, true).inode !== undefined;
    } catch {
      return false;
    }
  });
}

/** A program that runs when the foreground is free: what it does takes time, and other processes run beside it. */
function startForeground(kernel: Kernel, program: ForegroundProgram): Child {
  const { cpu, files, waiting } = kernel;
  let state: "waits" | "runs" | "ended" = "waits";
  let status = 0;
  function end(reported: number): void {
    state = "ended";
    status = reported;
  }
  function run(): void {
    if (state === "ended" || program === "cannot be started") return;
    state = "runs";
    const how = cpu.runForeground(program);
    files.closeAll(1);
    end(how === "ended" ? 0 : how === "threw" ? 1 << 8 : sigKill);
  }
  if (program === "cannot be started") end(notStarted << 8);
  else waiting.push(run);
  return {
    hasEnded: () => state === "ended",
    status: () => status,
    kill: (signal) => {
      if (state === "runs") cpu.killForeground();
      else end(signal);
    },
  };
}

/** Starts a script that runs in an event loop. */
export function startScript(kernel: Kernel, pid: number, script: () => void): Child {
  const { cpu, files } = kernel;
  cpu.tasks.set(pid, { pid, timers: [], readers: new Map() });
  cpu.runAs(pid, script);
  kernel.runReaders();
  // An event loop that waits for nothing ends.
  const hasEnded = () => {
    const task = cpu.tasks.get(pid);
    return task === undefined || (task.timers.length === 0 && task.readers.size === 0);
  };
  return {
    hasEnded,
    status: () => {
      files.closeAll(pid);
      cpu.tasks.delete(pid);
      return 0;
    },
    kill: () => cpu.tasks.delete(pid),
  };
}

function runModel(
  kernel: Kernel,
  run: {
    readonly pid: number;
    readonly argv: readonly string[];
    readonly path: string | undefined;
    readonly trouble: Trouble | undefined;
    readonly env: { readonly [name: string]: string };
  },
): Child {
  const { cpu, files } = kernel;
  const { pid, argv, path, trouble, env } = run;
  const endsMs = cpu.monotonicMs() + (trouble?.kind === "runsFor" ? trouble.milliseconds : programMs);
  // An event at that time wakes the waiting process.
  if (endsMs < Number.POSITIVE_INFINITY) cpu.alarms.add({ atMs: endsMs, ring: () => undefined });
  const { status, output } = resultOf();
  write(kernel, pid, output);
  files.closeAll(pid);
  let signal = 0;
  return {
    hasEnded: () => signal !== 0 || cpu.monotonicMs() >= endsMs,
    status: () => (signal === 0 ? status << 8 : signal),
    kill: (by) => {
      signal = by;
    },
  };

  function resultOf(): { readonly status: number; readonly output: string } {
    if (path === undefined) return { status: notStarted, output: "" };
    if (trouble?.kind === "exits") return trouble;
    const program = programs[path];
    if (program === undefined) throw new Error(`the fake host has no model of ${path}`);
    try {
      return program({ kernel, argv, env, input: inputOf(kernel, pid) });
    } catch (error) {
      if (isFault(error)) return { status: 1, output: `${argv[0]}: ${textOf(numberOf(error.errno))}\n` };
      throw error;
    }
  }
}

function inputOf(kernel: Kernel, pid: number): Uint8Array {
  const file: OpenFile = kernel.files.get(pid, 0);
  const pieces: Uint8Array[] = [];
  const buffer = new Uint8Array(1 << 16);
  for (let count = file.read?.(buffer) ?? 0; count > 0; count = file.read?.(buffer) ?? 0)
    pieces.push(buffer.slice(0, count));
  return Buffer.concat(pieces);
}

function write(kernel: Kernel, pid: number, output: string): void {
  if (output !== "") kernel.files.get(pid, 1).write?.(Buffer.from(output));
}
