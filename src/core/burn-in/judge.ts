import type { BurnInReport, BurnInResult } from "../hardware/hardware.ts";
import { describeFigure, figureNumber } from "./figure-text.ts";

/** The minimum results of the tests; 0 means no minimum. */
export type BurnInLimits = {
  readonly minCpuHashesPerSecond: number;
  readonly minMemoryMiBps: number;
  readonly minDiskMiBps: number;
  readonly minNetworkMiBps: number;
};

/** The result of a test before it is judged; `fault` is not empty if the test failed regardless of its figures. */
export type Measurement = Omit<BurnInResult, "ok">;

/** The figures of each test that must reach the minimum of the profile. */
const minima: {
  readonly [Test in BurnInResult["test"]]: { readonly figures: readonly string[]; readonly limit: keyof BurnInLimits };
} = {
  cpu: { figures: ["hashesPerSecond"], limit: "minCpuHashesPerSecond" },
  memory: { figures: ["memoryMiBps"], limit: "minMemoryMiBps" },
  disk: { figures: ["writeMiBps", "readMiBps"], limit: "minDiskMiBps" },
  diskRead: { figures: ["readMiBps"], limit: "minDiskMiBps" },
  network: { figures: ["readMiBps"], limit: "minNetworkMiBps" },
};

/** The report on a burn-in: it fails if one measurement fails, and is skipped if there are no measurements. */
export function judgeBurnIn(measurements: readonly Measurement[], limits: BurnInLimits): BurnInReport {
  const results = measurements.map((measurement) => {
    const fault = measurement.fault === "" ? slowness(measurement, limits) : measurement.fault;
    return { ...measurement, fault, ok: fault === "" };
  });
  const verdict = results.length === 0 ? "skipped" : results.every((result) => result.ok) ? "passed" : "failed";
  return { verdict, results };
}

function slowness(measurement: Measurement, limits: BurnInLimits): string {
  const { figures, limit } = minima[measurement.test];
  const least = limits[limit];
  if (least === 0) return "";
  for (const name of figures) {
    const figure = measurement.figures[name];
    const expected = `expected ${describeFigure(name, least)} or more (${limit})`;
    if (figure === undefined) return `${expected}, found no measurement`;
    if (figure < least) return `${expected}, found ${figureNumber(figure)}`;
  }
  return "";
}
