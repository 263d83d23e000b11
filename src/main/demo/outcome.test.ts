import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabMachineView } from "../../contract/lab.ts";
import type { Condition } from "../../core/machine/condition.ts";
import type { Phase } from "../../core/machine/phase.ts";
import type { Machine, MachineIn } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import { followProgress, judge, noProgress } from "./outcome.ts";
import { phaseMilliseconds, reportMachine } from "./report.ts";

type Facts = Partial<Pick<MachineIn<"healthy">, "timeline" | "conditions" | "hostname">>;
const machine = (phase: Phase, facts: Facts = {}): Machine =>
  testMachine("birth", { phase, timeline: [{ phase, atMs: 0 }], ...facts });
const healthy = (phase: Phase, facts: Facts = {}): Machine =>
  testMachine("healthy", { phase, timeline: [{ phase, atMs: 0 }], ...facts });
const limits = { deadlineMs: 25 * 60_000, stallMs: 8 * 60_000 };
const at = (nowMs: number, power: LabMachineView["power"] = "on") => ({ nowMs, startedAtMs: 0, power, ...limits });
const failing: Condition = { kind: "failing", reason: "no LLDP frame", sinceMs: 0 };

test("a machine that restarts again and again makes no progress", () => {
  let progress = followProgress(noProgress(0), machine("burnIn"), 1000);
  assert.equal(progress.atMs, 1000);
  for (const [phase, nowMs] of [
    ["offered", 2000],
    ["kernelSent", 3000],
    ["burnIn", 4000],
  ] as const) {
    progress = followProgress(progress, machine(phase), nowMs);
  }
  assert.equal(progress.atMs, 1000);
  assert.equal(followProgress(progress, machine("placed"), 5000).atMs, 5000);
});

test("while it fetches, each new detail is progress", () => {
  const fetching = (detail: string) => machine("fetching", { timeline: [{ phase: "fetching", atMs: 0, detail }] });
  const first = followProgress(noProgress(0), fetching("1 of 9"), 1000);
  assert.equal(followProgress(first, fetching("1 of 9"), 2000).atMs, 1000);
  assert.equal(followProgress(first, fetching("2 of 9"), 2000).atMs, 2000);
});

test("a machine is up, working, or failed with the reason", () => {
  const progress = noProgress(0);
  assert.deepEqual(judge(healthy("up"), progress, at(1)), { kind: "up" });
  assert.deepEqual(judge(machine("fetching"), progress, at(1)), { kind: "working" });
  assert.deepEqual(judge(undefined, progress, at(9 * 60_000)), {
    kind: "failed",
    reason: "no progress for 8 min; it never requested an address",
  });
  assert.deepEqual(
    judge(machine("burnIn", { conditions: [failing] }), { ...progress, atMs: 26 * 60_000 }, at(26 * 60_000)),
    {
      kind: "failed",
      reason: "not up after 25 min; last seen: burnIn (failing: no LLDP frame)",
    },
  );
  assert.match(
    (judge(machine("placed"), progress, at(1, "off")) as { reason: string }).reason,
    /^the machine switched itself off/,
  );
});

test("the phases' milliseconds add up to the total, also after a second attempt", () => {
  const timeline = (["offered", "loaderSent", "offered", "loaderSent", "kernelSent", "up"] as const).map(
    (phase, i) => ({
      phase,
      atMs: 1000 + i * 100,
    }),
  );
  assert.deepEqual(phaseMilliseconds(machine("up", { timeline }), 500), {
    offered: 700,
    loaderSent: 100,
    kernelSent: 100,
    up: 100,
  });
  const rack = { mac: "52:54:00:b1:00:01", firmware: "bios", consoleLogPath: "/c.log", poweredOnAtMs: 500 };
  const report = reportMachine(rack, healthy("up", { timeline, hostname: "r01u01" }), { kind: "up" });
  assert.equal(report.totalMs, 1000);
  assert.equal(report.hostname, "r01u01");
  assert.ok(!("failure" in report));
  assert.equal(reportMachine(rack, undefined, { kind: "failed", reason: "silent" }).failure, "silent");
});
