import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { hasChanged } from "./site/server-thread.ts";

/** Runs a script beside this thread, which may sleep meanwhile; the script has the flag. */
function beside(flag: Int32Array<SharedArrayBuffer>, script: string): Worker {
  const before = "const { workerData } = require('node:worker_threads'); const flag = new Int32Array(workerData);";
  return new Worker(`${before}${script}`, { eval: true, workerData: flag.buffer });
}

test("a late notice of an earlier answer does not count as the answer to the next question", async () => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const notices = "for (let n = 0; n < 5; n += 1) { Atomics.wait(flag, 0, 0, 20); Atomics.notify(flag, 0); }";
  const worker = beside(flag, `${notices} Atomics.add(flag, 0, 1); Atomics.notify(flag, 0);`);
  assert.equal(hasChanged(flag, 0, 30_000), true);
  assert.equal(Atomics.load(flag, 0), 1);
  await worker.terminate();
});

test("a thread that never answers is given up", () => {
  assert.equal(hasChanged(new Int32Array(new SharedArrayBuffer(4)), 0, 20), false);
});
