/** What a burn-in is to do, what it found, and what of it is far from the figures of like machines. */
import * as v from "valibot";
import type { BurnInProfile } from "../../core/burn-in/profile.ts";
import type { BurnInReport } from "../../core/hardware/hardware.ts";
import { count, name, partsLimit, text } from "../bounded-values.ts";
import { pinned } from "../same.ts";

/** core/burn-in/profile.ts */
export const burnInProfile = v.object({
  cpuSeconds: count,
  memoryPercent: v.pipe(v.number(), v.minValue(0), v.maxValue(90)),
  memoryRounds: v.exactOptional(v.pipe(count, v.minValue(1))),
  memorySeconds: v.exactOptional(count),
  diskMiB: count,
  diskSeconds: v.exactOptional(count),
  networkMiB: count,
  networkSeconds: v.exactOptional(count),
  minCpuHashesPerSecond: count,
  minMemoryMiBps: count,
  minDiskMiBps: count,
  minNetworkMiBps: count,
});

export const burnInReport = v.object({
  verdict: v.picklist(["passed", "failed", "skipped"]),
  results: v.pipe(
    v.array(
      v.object({
        test: v.picklist(["cpu", "memory", "disk", "diskRead", "network"]),
        subject: name,
        ok: v.boolean(),
        durationMs: count,
        figures: v.pipe(v.record(name, v.number()), v.maxEntries(64)),
        fault: text,
      }),
    ),
    v.maxLength(2 * partsLimit),
  ),
});

/** core/machine/record.ts */
export const suspect = v.object({
  ...{ test: name, subject: name, figure: name, value: v.number(), machines: count },
  ...{ median: v.number(), least: v.number(), most: v.number() },
});

export const suspects = v.pipe(v.array(suspect), v.maxLength(partsLimit), v.readonly());

pinned<BurnInProfile>()(burnInProfile);
pinned<BurnInReport>()(burnInReport);
