import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { weighSending } from "./fleet/blast-radius.ts";
import { defaultDeadlineSeconds } from "./machine/health/deadlines.ts";
import { checkProgress, defaultWatchRules } from "./machine/health/stall-detection.ts";
import { hasVanished } from "./machine/temporary-address.ts";
import { id, mac, testFleet } from "./machine/testing/test-fleet.ts";
import { testMachine } from "./machine/testing/test-machine.ts";
import { ip } from "./net/testing/addresses.ts";

const yearsMs = 10 * 365 * 86_400_000;
const nowMs = 2 * yearsMs;
const silentMs = defaultDeadlineSeconds.up * 1000;
const rules = { ...defaultWatchRules, deadlineSeconds: defaultDeadlineSeconds };

/** The clock jumped by so much, the machine was seen then, and the clock was set right again. */
const jumps: readonly (readonly [title: string, seenAtMs: number])[] = [
  ["ten years ahead", nowMs + yearsMs],
  ["ten years back", nowMs - yearsMs],
  ["not at all", nowMs],
];
for (const [title, lastSeenAtMs] of jumps)
  describe(`a clock that was ${title} when the machine was last seen`, () => {
    const seen = { lastSeenAtMs, phaseAtMs: lastSeenAtMs, phase: "up", macs: [mac(1)] } as const;

    test("silence is noticed one deadline after the server listens with the right time", () => {
      const machine = testMachine("healthy", seen);
      const at = (ms: number) => checkProgress(machine, nowMs + ms, { ...rules, listeningSinceMs: nowMs }).kind;
      assert.deepEqual([at(silentMs - 1), at(silentMs)], ["well", "stalled"]);
    });

    test("the next poll corrects the record", () => {
      const world = testFleet().born(1);
      world.later(nowMs - world.nowMs());
      const { revision: _old, ...facts } = world.get(1);
      world.put({ ...facts, revision: 9, lastSeenAtMs });
      world.later(31_000);
      world.all({ kind: "subSeen", id: id(1), fromDisk: true, runningImage: "compute" });
      world.later(31_000);
      world.all({ kind: "subSeen", id: id(1), fromDisk: true, runningImage: "compute" });
      assert.equal(world.get(1).lastSeenAtMs, world.nowMs());
    });

    test("its temporary address returns to the pool an hour later", () => {
      const machine = testMachine("unknown", {
        ...{ lastSeenAtMs, temporaryAddress: ip("10.77.0.60") },
        pxe: { requests: 1, responses: 1, lastRequestAtMs: lastSeenAtMs, lastAnswer: "loader" },
      });
      assert.equal(hasVanished(machine, nowMs + 3_600_000), true);
    });

    test("what it was sent to does not count against the blast radius for longer than an hour", () => {
      const sent = { ...testMachine("rebirth", {}), groups: ["web"], sentAway: { atMs: lastSeenAtMs, by: "ann" } };
      const fleet = { sizes: new Map([["web", 1]]), sentAway: [sent] };
      const limits = { machines: 1, percent: 0, perSeconds: 3600 };
      const target = { ...testMachine("healthy", {}), groups: ["web"] };
      const excess = (ms: number) => weighSending({ targets: [target], fleet, limits, nowMs: nowMs + ms });
      assert.deepEqual(excess(3_600_000), []);
    });
  });
