import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

/** Time for a test's own clean-up (virtual machines, namespaces, temporary files) after Ctrl-C. */
const cleanUpMs = 20_000;

const running = new Set<ChildProcess>();
let interrupted = false;

/** True once Ctrl-C or a request to end has come: nothing more is begun. */
export const wasInterrupted = (): boolean => interrupted;

/**
 * Starts a command in a process group of its own: Ctrl-C reaches us alone, and each child is asked once to end. It dies with
 * us even when we are killed. Throws if it cannot be run.
 */
export function startChild(argv: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn("setpriv", ["--pdeathsig", "TERM", "--", ...argv], { ...options, detached: true });
  running.add(child);
  child.once("close", () => running.delete(child));
  return child;
}

/** Resolves with the exit status of a child; 1 when a signal ended it. */
export function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(new Error(`cannot run ${child.spawnargs.join(" ")}`, { cause })));
    child.once("close", (status) => resolve(status ?? 1));
  });
}

/** Runs a command whose output is ours; resolves with its exit status. */
export const runCommand = (argv: readonly string[]): Promise<number> =>
  endOf(startChild(argv, { stdio: ["ignore", "inherit", "inherit"] }));

/** Asks every child to end, and kills what has not ended after the time for clean-up, with all that it started. */
export function endChildren(): void {
  for (const child of running) child.kill("SIGTERM");
  setTimeout(killChildren, cleanUpMs).unref();
}

function killChildren(): void {
  for (const { pid } of running) if (pid !== undefined) process.kill(-pid, "SIGKILL");
}

/** On SIGINT, SIGTERM or SIGHUP: no more tests, and those that run clean up. A second SIGINT kills them at once. */
export function endChildrenOnSignals(say: (line: string) => void): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (interrupted) {
        killChildren();
        return;
      }
      interrupted = true;
      say(`${signal}: ending the tests that run…`);
      endChildren();
    });
  }
}
