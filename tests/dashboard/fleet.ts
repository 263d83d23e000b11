import { fleetOf } from "../../bench/mdb-fleet.ts";
import type { Condition } from "../../src/core/machine/condition.ts";
import type { Phase, TimelineEntry } from "../../src/core/machine/phase.ts";
import type { Machine } from "../../src/core/machine/record.ts";

/** The phases of a birth and about how many seconds each takes. */
const course: readonly (readonly [Phase, number])[] = [
  ["offered", 6],
  ["loaderSent", 4],
  ["kernelSent", 20],
  ["initUp", 15],
  ["burnIn", 240],
  ["placed", 5],
  ["keysMade", 3],
  ["partitioned", 6],
  ["populated", 25],
  ["handedOver", 10],
  ["fetching", 150],
  ["updating", 40],
  ["rebooting", 60],
];

/** A number from 0 to 1 that is always the same for the same n (a hash, so that neighbours differ). */
function chance(n: number, salt: number): number {
  const mixed = Math.imul(n + 1, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b);
  return ((Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35) >>> 8) & 0xffff) / 0x10000;
}

/** Machines in the middle of a power-on: racks were switched on one after the other, and a few machines fail. */
export async function* arrivingFleet(count: number, nowMs: number): AsyncGenerator<Machine, void, undefined> {
  let n = 0;
  for await (const born of fleetOf(count)) {
    const rack = Math.floor(n / 40);
    const onAtMs = nowMs - (780 - rack * 7 + chance(n, 1) * 60) * 1000;
    const timeline = timelineOf(n, onAtMs, nowMs);
    const last = timeline.at(-1);
    const conditions = conditionsOf(n, last?.atMs ?? nowMs);
    const results = born.burnIn?.results.map((result, at) => ({
      ...result,
      figures: { readMiBps: Math.round(3300 + 60 * chance(n, 20 + at)) - (n % 500 === 42 ? 900 : 0), writeMiBps: 1820 },
    }));
    yield {
      ...born,
      ...{
        timeline,
        conditions,
        lastSeenAtMs: nowMs - 5000,
        createdAtMs: onAtMs,
        runningImage: `compute/${n % 9 === 0 ? 2 : 1}`,
      },
      ...(last === undefined ? {} : { phase: last.phase, phaseAtMs: last.atMs }),
      burnIn: { verdict: "passed", results: results ?? [] },
    } as Machine;
    n += 1;
  }
}

function timelineOf(n: number, onAtMs: number, nowMs: number): readonly TimelineEntry[] {
  const timeline: TimelineEntry[] = [];
  let atMs = onAtMs;
  for (const [at, [phase, seconds]] of course.entries()) {
    if (atMs > nowMs) return timeline;
    timeline.push({ phase, atMs: Math.round(atMs) });
    atMs += seconds * 1000 * (0.8 + 0.4 * chance(n, at));
  }
  if (atMs <= nowMs) timeline.push({ phase: "up", atMs: Math.round(atMs) });
  return timeline;
}

const reasons = [
  "disk /dev/nvme0n1: write failed at 12 GiB: Input/output error",
  "memory: 2 errors at address 1f2e3d4c5b6a",
  "no switch neighbour heard on eth0 within 60 s",
];

function conditionsOf(n: number, sinceMs: number): readonly Condition[] {
  if (n % 150 === 7) return [{ kind: "failing", reason: reasons[Math.floor(n / 150) % reasons.length] ?? "", sinceMs }];
  if (n % 400 === 11) return [{ kind: "hold", reason: "disk swap (ann)", sinceMs }];
  return [];
}
