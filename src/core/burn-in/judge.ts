import type { BurnInReport, BurnInResult } from "../hardware/hardware.ts";

/** How hard and how long to test, and what counts as failed; a minimum of 0 asks for nothing. */
export type BurnInLimits = {
  readonly minCpuHashesPerSecond: number;
  readonly minMemoryMiBps: number;
  readonly minDiskMiBps: number;
  readonly minNetworkMiBps: number;
};

/** What a test measured; `fault` is not empty where it went wrong whatever the figures. */
export type Measurement = Omit<BurnInResult, "ok">;

/** The figures of each test that must not be below the profile's minimum. */
const minima: {
  readonly [Test in BurnInResult["test"]]: { readonly figures: readonly string[]; readonly limit: keyof BurnInLimits };
} = {
  cpu: { figures: ["hashesPerSecond"], limit: "minCpuHashesPerSecond" },
  memory: { figures: ["memoryMiBps"], limit: "minMemoryMiBps" },
  disk: { figures: ["writeMiBps", "readMiBps"], limit: "minDiskMiBps" },
  diskRead: { figures: ["readMiBps"], limit: "minDiskMiBps" },
  network: { figures: ["readMiBps"], limit: "minNetworkMiBps" },
};

/** The report on a burn-in: each measurement judged, and failed as a whole when one of them is. Nothing measured is skipped. */
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
    if (figure === undefined) return `${name} was not measured, ${limit} asks for ${least}`;
    if (figure < least) return `${name} is ${Math.round(figure)}, below ${limit} ${least}`;
  }
  return "";
}
