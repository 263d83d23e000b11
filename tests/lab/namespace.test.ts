import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { waitFor } from "../support/inside-namespace.ts";

const namespaceModule = fileURLToPath(new URL("../../src/lab/namespace.ts", import.meta.url));

/** Processes, anywhere on this machine, named `word…` (argv[0]). */
async function processesWith(word: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return line.startsWith(word) ? [pid] : [];
    }),
  );
  return found.flat();
}

test("kill -9 of the process that opened a namespace leaves nothing of it behind", async () => {
  const word = `left-behind-${process.pid}`;
  // Two generations deep, the inner one detached in its own session, as a careless daemon would be.
  const inside = `setsid sh -c 'exec -a ${word}-detached sleep 600' & exec -a ${word} sleep 600`;
  const program = `import { startInNamespace } from ${JSON.stringify(namespaceModule)};
    startInNamespace(["bash", "-c", process.env.INSIDE], { stdio: "ignore" });`;
  const outer = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: "ignore",
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, INSIDE: inside.replace("sh -c", "bash -c") },
  });
  const started = await waitFor("both processes of the namespace", 120, async () => {
    const found = await processesWith(word);
    return found.length >= 2 ? found : undefined;
  });
  assert.ok(started.length >= 2);
  outer.kill("SIGKILL");
  await waitFor("the namespace to be empty", 120, async () =>
    (await processesWith(word)).length === 0 ? true : undefined,
  );
});
