import assert from "node:assert/strict";
import { test } from "node:test";
import type { Machine } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import type { Change } from "../../core/ports.ts";
import { machineSpec } from "../../lab/machine-spec.ts";
import { watchBirths } from "./births.ts";

test("the last phase has its line, although the demo ends before the store tells the change", async () => {
  const spec = machineSpec(1);
  const rebooting = testMachine("healthy", { macs: [spec.mac], phase: "rebooting" });
  let known: Machine = rebooting;
  let notify: (change: Change) => void = () => assert.fail("nobody watches");
  const lines: string[] = [];
  const births = watchBirths({
    machines: [{ name: spec.name, mac: spec.mac, spec, consoleLogPath: "/nowhere", power: () => "on" }],
    store: {
      byMac: () => known,
      watch: (listener) => {
        notify = listener;
        return () => {};
      },
    },
    painter: {
      draw: () => {},
      say: (line) => lines.push(line),
      note: (line) => lines.push(line),
      [Symbol.dispose]: () => {},
    },
    limits: { deadlineMs: 60_000, stallMs: 60_000 },
    nowMs: () => 0,
  });
  notify({ machine: rebooting, event: { kind: "resumed", id: rebooting.id }, position: 1, atMs: 0 });
  known = testMachine("healthy", { macs: [spec.mac], phase: "up" });
  await births.settled;
  births[Symbol.dispose]();
  assert.deepEqual(
    lines.map((line) => line.trim()),
    ["0 s  r01u07: rebooting", "0 s  r01u07: up"],
  );
});
