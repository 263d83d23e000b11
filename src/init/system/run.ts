import * as host from "host";
import * as os from "os";
import * as std from "std";
import { encodeUtf8 } from "../../core/bytes/utf8.ts";
import { checked, systemError } from "./errno.ts";
import { writeToDescriptor } from "./files.ts";

/** A program that takes longer hangs: mke2fs on the largest disks takes seconds. */
const defaultTimeoutSeconds = 300;
const firstPollMs = 1;
const longestPollMs = 50;
/** SIGKILL, which QuickJS has no name for. */
export const sigKill = 9;

export type RunOptions = {
  /** The program's standard input; /dev/null if undefined. */
  readonly input?: string | Uint8Array;
  /** Added to our own environment. */
  readonly env?: { readonly [name: string]: string };
  readonly timeoutSeconds?: number;
};

/** `status` is the exit status, 128 + signal for a killed program, 127 if the program could not be started. */
export type RunResult = { readonly status: number; readonly output: string };

function openTemporary(operation: string): std.File {
  const error: { errno?: number } = {};
  const file = std.tmpfile(error);
  if (file === null) throw systemError(`${operation}: temporary file`, error.errno ?? 0);
  return file;
}

function openInput(operation: string, input: string | Uint8Array | undefined): { fd: number; close: () => void } {
  if (input === undefined) {
    const fd = checked(`${operation}: /dev/null`, os.open("/dev/null", os.O_RDONLY));
    return { fd, close: () => os.close(fd) };
  }
  const file = openTemporary(operation);
  const fd = file.fileno();
  writeToDescriptor(fd, typeof input === "string" ? encodeUtf8(input) : input, operation);
  checked(operation, os.seek(fd, 0, std.SEEK_SET));
  return { fd, close: () => file.close() };
}

/**
 * Waits for a child by polling, because QuickJS cannot wait for a time-out and a child at once; kills it after the
 * time-out.
 */
function waitFor(pid: number, operation: string, timeoutSeconds: number): number {
  const endMs = host.monotonicMs() + timeoutSeconds * 1000;
  for (let pauseMs = firstPollMs; ; pauseMs = Math.min(pauseMs * 2, longestPollMs)) {
    const [ended, status] = os.waitpid(pid, os.WNOHANG);
    checked(`${operation}: wait`, ended);
    if (ended === pid) return exitStatus(status);
    if (host.monotonicMs() > endMs) {
      os.kill(pid, sigKill);
      os.waitpid(pid, 0);
      throw new Error(`${operation}: expected it to end within ${timeoutSeconds} s, killed it`);
    }
    os.sleep(pauseMs);
  }
}

/** The exit status in what waitpid(2) reports; 128 + signal for a killed program. */
export function exitStatus(reported: number): number {
  return (reported & 0x7f) === 0 ? (reported >> 8) & 0xff : 128 + (reported & 0x7f);
}

/** Runs a program to its end; output is its stdout and stderr, in order. Throws only on a time-out. */
export function run(argv: readonly string[], options: RunOptions = {}): RunResult {
  const operation = `run ${argv.join(" ")}`;
  // Unnamed files instead of pipes, because a full pipe can block either side.
  const output = openTemporary(operation);
  const input = openInput(operation, options.input);
  try {
    const fd = output.fileno();
    const pid = os.exec(argv, {
      block: false,
      stdin: input.fd,
      stdout: fd,
      stderr: fd,
      env: { ...std.getenviron(), ...options.env },
    });
    const status = waitFor(pid, operation, options.timeoutSeconds ?? defaultTimeoutSeconds);
    output.seek(0, std.SEEK_SET);
    return { status, output: output.readAsString() };
  } finally {
    input.close();
    output.close();
  }
}

/** Runs a program and returns its output; throws an error with the output if the exit status is not 0. */
export function runOrThrow(argv: readonly string[], options: RunOptions = {}): string {
  const { status, output } = run(argv, options);
  if (status === 0) return output;
  throw new Error(`run ${argv.join(" ")}: status ${status}: ${output.trim()}`);
}
