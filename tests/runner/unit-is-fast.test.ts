import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";

/** What takes more than milliseconds: processes, sockets, servers, threads, databases with a thread, waiting. */
const slow =
  /"node:(child_process|net|tls|dgram|https?|http2|sqlite|worker_threads)"|openStore\(|timers\/promises"|[^.]setTimeout\(/;
const allowed = /setImmediate \} from "node:timers\/promises"/;

test("a test beside the code starts no process, socket or thread and waits for no timer; such tests go to tests/", () => {
  const faults = globSync("src/**/*.test.ts").filter((file) => {
    const text = readFileSync(file, "utf8");
    return slow.test(text.replace(allowed, ""));
  });
  assert.deepEqual(faults, []);
});
