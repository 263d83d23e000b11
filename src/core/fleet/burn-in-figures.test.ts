import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { MachineId } from "../machine/record.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import { figuresInSteps, outliersShown } from "./burn-in-figures.ts";

const machine = (name: string, product: string, writeMiBps: number) =>
  testMachine("healthy", {
    ...{ id: `m-${name}` as MachineId, hostname: name },
    smbios: { vendor: "", product, serial: "", uuid: "" },
    burnIn: {
      verdict: "passed",
      results: [
        { test: "disk", subject: "/dev/sda", ok: true, durationMs: 1, fault: "", figures: { writeMiBps } },
        { test: "cpu", subject: "2 CPUs", ok: true, durationMs: 1, fault: "", figures: { hashesPerSecond: 1 } },
      ],
    },
  });
const figuresOf = (machines: Parameters<typeof figuresInSteps>[0]) => {
  const steps = figuresInSteps(machines);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
};

test("a slow disk among its siblings is found; the same speed is usual on another model", () => {
  const fast = Array.from({ length: 39 }, (_, n) => machine(`r01u${n}`, "R640", 900 + (n % 7)));
  const slow = Array.from({ length: 5 }, (_, n) => machine(`r02u${n}`, "R210", 120 + n));
  const found = figuresOf([...fast, machine("r01u40", "R640", 120), ...slow]).filter(({ test }) => test === "disk");
  assert.deepEqual(
    found.map(({ model, machines, median, outliers }) => [model, machines, median, outliers.map(({ name }) => name)]),
    [
      ["R210", 5, 122, []],
      ["R640", 40, 903, ["r01u40"]],
    ],
  );
  assert.ok((found[1]?.outliers[0]?.score ?? 0) < -50);
});

test("whatever machines measure, the median is between the least and the most, and no outlier is usual", () => {
  const value = fc.oneof(fc.double(), fc.integer({ min: -1000, max: 1000 }));
  fc.assert(
    fc.property(fc.array(value), (values) => {
      for (const { least, median, most, mad, outliers } of figuresOf(
        values.map((one, n) => machine(`n${n}`, "x", one)),
      )) {
        assert.ok(least <= median && median <= most && mad >= 0);
        for (const { value } of outliers) assert.ok(Math.abs(value - median) > mad);
      }
    }),
  );
});

test("as many machines are named as a delivery has slow disks, and not without end", () => {
  const machines = Array.from({ length: 4000 }, (_, n) =>
    machine(`m${n}`, "R640", n % 6 === 0 ? 900 + (n % 60) / 10 : 1820 + (n % 7)),
  );
  const count = (some: number) =>
    figuresOf(machines.slice(0, some)).find(({ test }) => test === "disk")?.outliers.length;
  assert.equal(count(600), 100, "all of them");
  assert.equal(count(4000), outliersShown);
});
