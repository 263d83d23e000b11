import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startInNamespace } from "../../src/lab/namespace.ts";

const mark = "BIRTHER_TEST_NAMESPACE";

/**
 * Runs the tests that `define` defines in a network namespace of their own: outside they are one test that starts the
 * same file again in there. `fileUrl` is the calling file's `import.meta.url`.
 */
export function insideNamespace(title: string, fileUrl: string, define: () => void): void {
  if (process.env[mark] === "1") {
    define();
    return;
  }
  test(title, { timeout: 1_200_000 }, async (context) => {
    // NODE_TEST_CONTEXT would make the inner run speak to our runner instead of writing text.
    const env = { [mark]: "1", NODE_TEST_CONTEXT: undefined };
    const child = startInNamespace([process.execPath, "--test-reporter=spec", fileURLToPath(fileUrl)], {
      stdio: ["ignore", "pipe", "pipe"],
      env,
    });
    context.signal.addEventListener("abort", () => child.kill("SIGKILL"));
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    }
    const status = await new Promise((resolve) => child.once("close", resolve));
    assert.equal(status, 0, said);
  });
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
