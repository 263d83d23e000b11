import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ipv4 } from "../net/ipv4.ts";
import { ip } from "../net/testing/addresses.ts";
import { type ForeignStep, startForeignWatch, stepForeignWatch } from "./foreign-server.ts";

const other: Ipv4 = ip("192.168.1.1");

/** Runs a watch; `answersUntilMs` is how long another server answers each probe, after `delayMs`. */
function run(of: { allowed?: boolean; answersUntilMs: number; delayMs?: number; toMs: number }): string[] {
  const { allowed = false, answersUntilMs, delayMs = 10, toMs } = of;
  const lines: string[] = [];
  const heardAtMs: number[] = [];
  let nowMs = 0;
  let step: ForeignStep = startForeignWatch(allowed, nowMs);
  for (let steps = 0; steps < 1000; steps += 1) {
    if (step.probe && nowMs < answersUntilMs) heardAtMs.push(nowMs + delayMs);
    const line = `${step.state.kind}${"foreign" in step.state ? " beside another" : ""}`;
    if (!lines.at(-1)?.endsWith(` ${line}`)) lines.push(`${nowMs} ${line}`);
    const next = Math.min(heardAtMs[0] ?? Number.POSITIVE_INFINITY, step.wakeAtMs ?? Number.POSITIVE_INFINITY);
    if (next > toMs) break;
    nowMs = next;
    const heard = heardAtMs[0] === nowMs;
    if (heard) heardAtMs.shift();
    step = stepForeignWatch(step.state, heard ? { kind: "heard", address: other } : { kind: "woken" }, {
      allowed,
      nowMs,
    });
  }
  return lines;
}

test("nobody there: served after two seconds", () => {
  assert.deepEqual(run({ answersUntilMs: 0, toMs: 100_000 }), ["0 probing", "2000 serving"]);
});

test("another server: the network is not served until three probes in a row get no answer", () => {
  assert.deepEqual(run({ answersUntilMs: 40_000, toMs: 1_000_000 }), [
    "0 probing",
    "10 stopped beside another",
    "150010 serving",
  ]);
});

test("a server that answers late stops the network when its answer arrives", () => {
  assert.deepEqual(run({ answersUntilMs: 500, delayMs: 3000, toMs: 10_000 }), [
    "0 probing",
    "2000 serving",
    "3000 stopped beside another",
  ]);
});

test("where it is allowed the network is served at once and the other one named", () => {
  assert.deepEqual(run({ allowed: true, answersUntilMs: 500, toMs: 10_000 }), [
    "0 serving",
    "10 serving beside another",
  ]);
});

test("messages that answer no probe of ours stop nothing, and cause a probe every five seconds at most", () => {
  let step = stepForeignWatch(startForeignWatch(false, 0).state, { kind: "woken" }, { allowed: false, nowMs: 2000 });
  let probes = 0;
  for (let nowMs = 2000; nowMs < 62_000; nowMs += 10) {
    step = stepForeignWatch(step.state, { kind: "hinted" }, { allowed: false, nowMs });
    assert.equal(step.state.kind, "serving");
    if (step.probe) probes += 1;
  }
  assert.equal(probes, 12);
});
