import assert from "node:assert/strict";
import { test } from "node:test";
import { type BurnInLimits, judgeBurnIn, type Measurement } from "./judge.ts";

const none: BurnInLimits = { minCpuHashesPerSecond: 0, minMemoryMiBps: 0, minDiskMiBps: 0, minNetworkMiBps: 0 };

function measured(test: Measurement["test"], figures: Measurement["figures"], fault = ""): Measurement {
  return { test, subject: "it", durationMs: 1, figures, fault };
}

const rows: readonly {
  title: string;
  measurements: readonly Measurement[];
  limits?: Partial<BurnInLimits>;
  outcome: string;
  fault?: RegExp;
}[] = [
  { title: "nothing measured", measurements: [], outcome: "skipped" },
  { title: "no limits", measurements: [measured("cpu", { hashesPerSecond: 1 })], outcome: "passed" },
  {
    title: "above the limit",
    measurements: [measured("disk", { writeMiBps: 100, readMiBps: 300 })],
    limits: { minDiskMiBps: 100 },
    outcome: "passed",
  },
  {
    title: "one figure below the limit",
    measurements: [measured("disk", { writeMiBps: 99.4, readMiBps: 300 })],
    limits: { minDiskMiBps: 100 },
    outcome: "failed",
    fault: /^expected write 100 MiB\/s or more \(minDiskMiBps\), found 99.4$/,
  },
  {
    title: "a disk that is only read",
    measurements: [measured("diskRead", { readMiBps: 100 })],
    limits: { minDiskMiBps: 100 },
    outcome: "passed",
  },
  {
    title: "a disk that is only read, and slow",
    measurements: [measured("diskRead", { readMiBps: 9 })],
    limits: { minDiskMiBps: 100 },
    outcome: "failed",
    fault: /^expected read 100 MiB\/s or more \(minDiskMiBps\), found 9$/,
  },
  {
    title: "a fault, whatever the speed",
    measurements: [measured("memory", { memoryMiBps: 9999 }, "3 words read back wrong")],
    outcome: "failed",
    fault: /3 words/,
  },
  {
    title: "a required figure that is missing",
    measurements: [measured("network", {})],
    limits: { minNetworkMiBps: 1 },
    outcome: "failed",
    fault: /expected read 1 MiB\/s .*, found no measurement/,
  },
];
for (const row of rows) {
  test(`burn-in: ${row.title} → ${row.outcome}`, () => {
    const report = judgeBurnIn(row.measurements, { ...none, ...row.limits });
    assert.equal(report.verdict, row.outcome);
    assert.match(report.results[0]?.fault ?? "", row.fault ?? /^$/);
    assert.equal(
      report.results.every((result) => result.ok),
      row.outcome !== "failed",
    );
  });
}
