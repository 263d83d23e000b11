import { fleetOf } from "../../bench/mdb-fleet.ts";
import type { Condition, Machine, Phase } from "../../src/core/machine/record.ts";

/** The phases of a power-on in full swing; how many of forty machines are in each. */
const spread: readonly (readonly [Phase, number])[] = [
  ["up", 14],
  ["rebooting", 2],
  ["fetching", 8],
  ["populated", 3],
  ["burnIn", 9],
  ["initUp", 2],
  ["kernelSent", 2],
];

/** Machines that arrive: placed in racks of forty, each in some phase, and every 150th failing for one of three reasons. */
export async function* arrivingFleet(count: number, nowMs: number): AsyncGenerator<Machine, void, undefined> {
  let n = 0;
  for await (const born of fleetOf(count)) {
    const phase = phaseOf(n);
    const phaseAtMs = nowMs - 20_000 - (n % 97) * 3000;
    const conditions = failureOf(n, phaseAtMs);
    const seen = { phase, phaseAtMs, lastSeenAtMs: nowMs - 5000, createdAtMs: nowMs - 3_600_000, conditions };
    // Those of the first racks are not placed yet: they wait in the birth that a healthy record cannot show.
    yield { ...born, ...seen } as Machine;
    n += 1;
  }
}

function phaseOf(n: number): Phase {
  let left = (n * 7) % 40;
  for (const [phase, count] of spread) {
    if (left < count) return phase;
    left -= count;
  }
  return "up";
}

const reasons = [
  "disk /dev/nvme0n1: write failed at 12 GiB: Input/output error",
  "memory: 2 errors at address 0x1f2e3d4c",
  "no switch neighbour heard on eth0 within 60 s",
];

function failureOf(n: number, sinceMs: number): readonly Condition[] {
  if (n % 150 === 7) return [{ kind: "failing", reason: reasons[((n / 150) % reasons.length) | 0] ?? "", sinceMs }];
  if (n % 400 === 11) return [{ kind: "hold", reason: "disk swap (ann)", sinceMs }];
  return [];
}
