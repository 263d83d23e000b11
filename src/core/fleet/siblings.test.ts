import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { TimelineEntry } from "../machine/phase.ts";
import { phases } from "../machine/phase.ts";
import type { MachineId } from "../machine/record.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import { amongSiblings, modelInSteps } from "./siblings.ts";
import { birthMs, powerOn } from "./testing/power-on.ts";

type Steps<T> = Generator<void, T, undefined>;
function ended<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
const born = (n: number, timeline: readonly TimelineEntry[], product = "R640") =>
  testMachine("healthy", {
    ...{ id: `m-${n}` as MachineId, hostname: `n${n}`, timeline },
    smbios: { vendor: "", product, serial: "", uuid: "" },
  });
/** A birth with a burn-in of this length; then an update. */
const birth = (burnInSeconds: number): readonly TimelineEntry[] => {
  const s = 1000 * burnInSeconds;
  return [
    { phase: "burnIn", atMs: 0, durationMs: 7 },
    { phase: "handedOver", atMs: s },
    { phase: "updating", atMs: s + 5000 },
    { phase: "up", atMs: s + 9000, detail: "compute/1" },
    { phase: "updating", atMs: s + 900_000 },
    { phase: "up", atMs: s + 999_000 },
  ];
};

test("a slow birth stands out among its siblings; other models, updates and being up are not compared", () => {
  const usual = Array.from({ length: 9 }, (_, n) => born(n, birth(60 + n)));
  const slow = born(50, birth(300));
  const machines = [...usual, slow, ...Array.from({ length: 9 }, (_, n) => born(n, birth(900), "R210"))];
  const among = amongSiblings(slow, ended(modelInSteps(machines, "R640")), 1_400_000);
  assert.deepEqual([among.model, among.machines, among.figures], ["R640", 10, []]);
  assert.deepEqual(
    among.phases.map(({ phase, durationMs, isOpen = false, siblings, score = 0 }) => [
      ...[phase, durationMs, isOpen, siblings?.machines, siblings?.median, siblings?.most, score > 3.5],
    ]),
    [
      ["burnIn", 300_000, false, 10, 64_500, 300_000, true],
      ["handedOver", 5000, false, 10, 5000, 5000, false],
      ["updating", 4000, false, 10, 4000, 4000, false],
      ["up", 891_000, false, undefined, undefined, undefined, false],
      ["updating", 99_000, false, undefined, undefined, undefined, false],
      ["up", 101_000, true, undefined, undefined, undefined, false],
    ],
  );
  assert.equal(among.phases[3]?.detail, "compute/1");
});

test("before anyone is up, the phases that machines have left are compared; an open one is slow, but never fast", () => {
  const nowMs = birthMs / 2;
  const fleet = powerOn({ racks: 5, units: 10, apartMs: 0, nowMs, beganMs: 0 });
  const model = ended(modelInSteps(fleet, "R640"));
  assert.deepEqual([model.machines, model.phases[0]?.phase, model.phases[0]?.machines], [50, "offered", 50]);
  for (const machine of fleet) {
    const open = amongSiblings(machine, model, nowMs).phases.at(-1);
    assert.ok(open?.isOpen && (open.score === undefined || open.score >= 0));
  }
  const [first] = fleet;
  assert.ok(first !== undefined);
  const later = amongSiblings(first, model, nowMs + 100 * birthMs).phases.at(-1);
  assert.ok(later?.siblings === undefined || (later.score ?? 0) > 100);
});

test("a slow disk: its figure has a score and lies among the dots", () => {
  const fleet = powerOn({ racks: 10, units: 30, apartMs: 0, nowMs: 2 * birthMs, beganMs: 0 });
  const slow = fleet.find(({ hostname }) => hostname === "r05u06");
  assert.ok(slow !== undefined);
  const [disk] = amongSiblings(slow, ended(modelInSteps(fleet, "R640")), birthMs).figures;
  assert.ok(disk !== undefined && disk.score < -50);
  assert.deepEqual([disk.value, disk.siblings.median, disk.siblings.machines], [120, 903, 300]);
  assert.ok(disk.siblings.dots.length <= 122 && disk.siblings.dots.includes(120) && disk.siblings.dots.includes(906));
});

test("whatever a timeline says: no stay is negative, and an ended one of the birth is within its siblings' range", () => {
  const entry = fc.record({ phase: fc.constantFrom(...phases), atMs: fc.nat(1e6) });
  fc.assert(
    fc.property(fc.array(fc.array(entry), { minLength: 1, maxLength: 6 }), fc.nat(2e6), (timelines, nowMs) => {
      const fleet = timelines.map((timeline, n) => born(n, timeline));
      const model = ended(modelInSteps(fleet, "R640"));
      for (const machine of fleet)
        for (const { durationMs, isOpen, siblings } of amongSiblings(machine, model, nowMs).phases) {
          assert.ok(durationMs >= 0);
          if (siblings !== undefined && !isOpen) assert.ok(siblings.least <= durationMs && durationMs <= siblings.most);
        }
    }),
  );
});
