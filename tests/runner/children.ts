import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";

/** Time for a test's own clean-up (virtual machines, namespaces, temporary files) after Ctrl-C. */
const cleanUpMs = 20_000;

/** What ends `./test`. */
const endSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const running = new Set<ChildProcess>();
let ending: "no" | "change" | "signal" = "no";

/** True once a signal or, in watch mode, a change has ended the run: nothing more is begun. */
export const wasInterrupted = (): boolean => ending !== "no";

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

/** Ends the run because a file changed; `beginAgain` allows the next one. */
export function endForChange(): void {
  if (ending !== "no") return;
  ending = "change";
  endChildren();
}

/** Allows a new run after `endForChange`; false if a signal has come. */
export function beginAgain(): boolean {
  if (ending === "change") ending = "no";
  return ending === "no";
}

/** On SIGINT, SIGTERM or SIGHUP: no more tests, and those that run clean up. A second signal kills them at once. */
export function endChildrenOnSignals(onSignal: (signal: string) => void): void {
  for (const signal of endSignals) {
    process.on(signal, () => {
      if (ending === "signal") {
        kill([...running]);
        return;
      }
      ending = "signal";
      onSignal(signal);
      endChildren();
    });
  }
}

/** Asks every child to end, and kills what has not ended after the time for clean-up, with all that it started. */
function endChildren(): void {
  const asked = [...running];
  for (const child of asked) child.kill("SIGTERM");
  setTimeout(() => kill(asked.filter((child) => running.has(child))), cleanUpMs).unref();
}

function kill(children: readonly ChildProcess[]): void {
  for (const { pid } of children) if (pid !== undefined) process.kill(-pid, "SIGKILL");
}
