import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startInNamespace } from "../../src/lab/namespace.ts";

const mark = "BIRTHER_TEST_NAMESPACE";

/**
 * Runs the tests that `define` defines in a network namespace of their own: outside, this starts the same file again in
 * there, with the same options of node:test and the same outputs, and defines nothing. `fileUrl` is the calling file's
 * `import.meta.url`.
 */
export async function insideNamespace(fileUrl: string, define: () => void): Promise<void> {
  if (process.env[mark] === "1") {
    define();
    return;
  }
  const child = startInNamespace([process.execPath, ...process.execArgv, fileURLToPath(fileUrl)], {
    // Descriptor 3 is where tests/runner/reporter.ts writes.
    stdio: [
      "ignore",
      "inherit",
      "inherit",
      process.execArgv.some((word) => word.includes("runner/reporter")) ? 3 : "ignore",
    ],
    env: { [mark]: "1" },
  });
  // unshare(1) keeps SIGTERM to itself.
  process.on("SIGTERM", () => {
    for (const pid of childrenOf(child.pid)) process.kill(pid, "SIGTERM");
  });
  const status = await new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? 1)));
  if (status !== 0) process.exitCode = status;
}

/** Processes that a process has started (proc_pid_task(5)); none when it has ended. */
function childrenOf(pid: number | undefined): readonly number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path) ? readFileSync(path, "utf8").split(" ").filter(Boolean).map(Number) : [];
}

/** Tries `attempt` until it gives a value; throws, saying what it waited for, when `seconds` have passed. */
export async function waitFor<T>(
  what: string,
  seconds: number,
  attempt: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const endMs = performance.now() + seconds * 1000;
  for (;;) {
    const found = await attempt();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
