import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { BurnInReport, Hardware } from "../hardware/hardware.ts";
import type { MachineId } from "../machine/record.ts";
import { hardware, mac } from "../machine/testing/test-fleet.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import { modelInSteps } from "./siblings.ts";
import { suspectsOf } from "./suspects.ts";

const product = "R640";
const report = (writeMiBps: number, readMiBps = 2000): BurnInReport => ({
  verdict: "passed",
  results: [
    { test: "disk", subject: "/dev/sda", ok: true, durationMs: 1, fault: "", figures: { writeMiBps, wrongBlocks: 0 } },
    { test: "network", subject: "10.0.0.1", ok: true, durationMs: 1, fault: "", figures: { readMiBps } },
  ],
});
const disk = (model: string) => ({
  ...{ path: "/dev/sda", model, serial: "s", wwn: "", sizeBytes: 1e12 },
  ...{ rotational: false, removable: false, bus: "sata" },
});
const parts = (change: Partial<Hardware> = {}): Hardware => ({
  ...hardware(mac(1)),
  ...{ memoryMiB: 65_536, disks: [disk("PM9A3")] },
  ...change,
});
/** As many siblings, which differ by a few percent. */
const siblings = (count: number, change: Partial<Hardware> = {}) =>
  Array.from({ length: count }, (_, n) =>
    testMachine("healthy", {
      ...{ id: `m-${n}` as MachineId, hostname: `n${n}`, burnIn: report(900 + (n % 7), 2000 + 10 * (n % 5)) },
      ...{ smbios: { vendor: "", product, serial: "", uuid: "" }, hardware: parts(change) },
    }),
  );
const modelOf = (machines: Parameters<typeof modelInSteps>[0], model = product) => {
  const steps = modelInSteps(machines, model);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
};
const judge = (own: { report?: BurnInReport; hardware?: Hardware; model?: string }, all = siblings(39)) =>
  suspectsOf({ burnIn: own.report ?? report(905), hardware: own.hardware ?? parts() }, modelOf(all, own.model));

describe("what is far below its siblings is suspect", () => {
  const rows = [
    { title: "a throttled disk", own: { report: report(120) }, found: ["disk writeMiBps 120 of 900 to 906"] },
    { title: "a slow link", own: { report: report(905, 11) }, found: ["network readMiBps 11 of 2000 to 2040"] },
    {
      title: "half the memory",
      own: { hardware: parts({ memoryMiB: 32_768 }) },
      found: ["hardware memoryMiB 32768 of 65536 to 65536"],
    },
    {
      title: "one memory module of sixteen",
      own: { hardware: parts({ memoryMiB: 61_440 }) },
      found: ["hardware memoryMiB 61440 of 65536 to 65536"],
    },
    { title: "no disk of one", own: { hardware: parts({ disks: [] }) }, found: ["hardware disks 0 of 1 to 1"] },
    { title: "as usual", own: {}, found: [] },
    { title: "faster than the others", own: { report: report(9000) }, found: [] },
    { title: "a tenth slower: harmless", own: { report: report(820) }, found: [] },
    {
      title: "another model of disk",
      own: { report: report(120), hardware: parts({ disks: [disk("HDD")] }) },
      found: [],
    },
    { title: "another model of machine", own: { report: report(120), model: "R210" }, found: [] },
  ] as const;
  for (const { title, own, found } of rows)
    test(title, () => {
      assert.deepEqual(
        judge(own).map(({ test, figure, value, least, most }) => `${test} ${figure} ${value} of ${least} to ${most}`),
        found,
      );
    });

  const health = (figures: BurnInReport["results"][number]["figures"]): BurnInReport => ({
    verdict: "passed",
    results: [{ test: "diskRead", subject: "/dev/sda", ok: true, durationMs: 1, fault: "", figures }],
  });
  const sound = {
    reallocatedSectors: 0,
    pendingSectors: 0,
    latencyP99Ms: 9,
    temperatureCelsius: 35,
    powerOnHours: 900,
  };
  const healthy = siblings(20).map((machine, n) => ({
    ...machine,
    burnIn: health({ ...sound, temperatureCelsius: 33 + (n % 5), latencyP99Ms: 8 + (n % 3) }),
  }));
  const ailing: readonly [title: string, figures: Partial<typeof sound>, found: readonly string[]][] = [
    ["sectors that cannot be read", { pendingSectors: 1 }, ["pendingSectors 1"]],
    ["many reallocated sectors", { reallocatedSectors: 80 }, ["reallocatedSectors 80"]],
    ["a few of them: any disk has some", { reallocatedSectors: 8 }, []],
    ["answers that take long", { latencyP99Ms: 120 }, ["latencyP99Ms 120"]],
    ["a hot disk", { temperatureCelsius: 58 }, ["temperatureCelsius 58"]],
    ["a warm one: it is at the top of the rack", { temperatureCelsius: 46 }, []],
    ["an old one, or a cold one", { powerOnHours: 60_000, temperatureCelsius: 5 }, []],
  ];
  for (const [title, figures, found] of ailing)
    test(title, () => {
      const suspects = judge({ report: health({ ...sound, ...figures }) }, healthy);
      assert.deepEqual(
        suspects.map(({ figure, value }) => `${figure} ${value}`),
        found,
      );
    });

  test("the first machines of a model are nobody's outliers", () => {
    assert.deepEqual(judge({ report: report(1) }, siblings(7)), []);
    assert.equal(judge({ report: report(1) }, siblings(8)).length, 1);
  });

  test("whatever a machine reports, nothing at or above the median is suspect, and the list is bounded", () => {
    const figure = fc.record({
      test: fc.constantFrom("cpu", "memory", "disk", "diskRead", "network"),
      figures: fc.dictionary(fc.constantFrom("readMiBps", "writeMiBps", "x"), fc.double()),
    });
    const reports = fc.array(figure, { maxLength: 60 });
    fc.assert(
      fc.property(reports, (results) => {
        const own = results.map((one) => ({ ...one, subject: "/dev/sda", ok: true, durationMs: 1, fault: "" }));
        const found = judge({ report: { verdict: "passed", results: own } as BurnInReport });
        assert.ok(found.length <= 20 && found.every(({ value, median }) => value < median));
      }),
    );
  });
});
