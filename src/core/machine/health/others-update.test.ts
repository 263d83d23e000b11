import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../../tests/support/runs.ts";
import type { MachineEvent } from "../event.ts";
import { asked, id, testFleet } from "../testing/test-fleet.ts";
import { defaultDeadlineSeconds } from "./deadlines.ts";
import { type LookRules, lookAt } from "./look.ts";
import { emptyTally, nextRepair, tallyForRepair, whyNoRebirth } from "./repair.ts";
import { checkProgress, defaultWatchRules, isPastDeadline } from "./stall-detection.ts";
import { why } from "./waiting-for.ts";

const hourMs = 3_600_000;
const rules = { ...defaultWatchRules, deadlineSeconds: defaultDeadlineSeconds, othersUpdate: true };
const repair = { afterSeconds: 300, rebirths: 2, withinSeconds: 86_400, rebirthsPerHour: 5 };
const polls = (more: object = {}): MachineEvent => ({ kind: "subSeen", id: id(1), ...more });

/** A machine that has started the system on its disk once. */
function settled(othersUpdate = true) {
  const world = testFleet({ othersUpdate }).born(1);
  world.all({ kind: "phaseSeen", id: id(1), phase: "rebooting" }, polls({ fromDisk: true, runningImage: "compute/1" }));
  return world;
}
type World = ReturnType<typeof settled>;

/** Lets the watch and the repair policy look as often as they want to; returns the kinds of their events. */
function watched(world: World): string[] {
  const by: LookRules = { rules, repair, leads: () => true, tally: () => emptyTally, presenceOf: () => "silent" };
  const events: string[] = [];
  for (let n = 0; n < 20; n += 1) {
    const { event } = lookAt(world.get(1), world.nowMs(), by);
    if (event === undefined) return events;
    events.push(event.kind);
    world.all(event);
  }
  return events;
}

describe("a machine that an external Dominator updates", () => {
  test("is not failing for normal restarts and silence, and no policy touches it", () => {
    const world = settled();
    for (let n = 0; n < 6; n += 1) {
      world.later(hourMs);
      world.all(asked(1, { answer: "local" }));
      world.later(hourMs);
      assert.deepEqual(watched(world), []);
    }
    const { state, conditions, unheardBoots } = world.get(1);
    assert.deepEqual([state, conditions, unheardBoots], ["healthy", [], undefined]);
    assert.equal(isPastDeadline(world.get(1), world.nowMs(), rules), false, "nor is it late in the metrics");
    const { missing, next } = why(world.get(1), { nowMs: world.nowMs(), ...rules });
    assert.deepEqual([missing, /an external Dominator updates it/.test(next)], [undefined, true]);
  });

  test("loses what was said of its silence before the site had that Dominator", () => {
    const before = settled(false);
    for (let n = 0; n < 4; n += 1) {
      before.later(hourMs);
      before.all(asked(1, { answer: "local" }));
    }
    const failing = before.get(1);
    assert.match(failing.conditions[0]?.reason ?? "", /started \d times/);
    assert.equal(nextRepair(failing, before.nowMs() + hourMs, { ...repair, ...rules }).kind, "none");
    const world = testFleet({ othersUpdate: true });
    world.put(failing);
    world.all(asked(1, { answer: "local" }));
    assert.deepEqual(world.get(1).conditions, []);

    const silent = settled();
    silent.all({ kind: "stalled", id: id(1), reason: "its agent has not polled for 15 min" });
    assert.deepEqual(watched(silent), ["resumed"]);
    assert.deepEqual(silent.get(1).conditions, []);
  });

  test("counts for nothing where the policy asks how many machines are silent", () => {
    const world = settled();
    world.later(24 * hourMs);
    const fleet = Array.from({ length: 100 }, () => world.get(1));
    const why = (othersUpdate: boolean) => {
      const now = { ...rules, othersUpdate, nowMs: world.nowMs() };
      return whyNoRebirth(
        fleet.reduce((sum, machine) => tallyForRepair(sum, machine, now), emptyTally),
        repair,
      );
    };
    assert.equal(why(true), undefined);
    assert.match(why(false) ?? "", /100 of 100/);
  });

  test("is judged as any other until its first image is in place", () => {
    const world = testFleet({ othersUpdate: true }).born(1);
    world.all({ kind: "phaseSeen", id: id(1), phase: "handedOver" });
    world.later(hourMs);
    assert.equal(checkProgress(world.get(1), world.nowMs(), rules).kind, "stalled");
  });

  test("whatever happens on the wire and in time, it is not failing and never sent to rebirth", () => {
    const step = fc.oneof(
      fc.constant<(world: World) => void>((world) => world.all(asked(1, { answer: "local" }))),
      fc.constant<(world: World) => void>((world) => world.all(asked(1, { stage: "loader", answer: "local" }))),
      fc.constant<(world: World) => void>((world) => world.all(polls({ fromDisk: true, upToDate: true }))),
      fc.integer({ min: 1, max: 48 * 60 }).map((minutes) => (world: World) => world.later(minutes * 60_000)),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = settled();
        for (const each of steps) {
          each(world);
          assert.deepEqual(watched(world), []);
          assert.deepEqual([world.get(1).state, world.get(1).conditions], ["healthy", []]);
        }
      }),
      { numRuns: runs(300) },
    );
  });
});

describe("a machine whose system is not an image of ours", () => {
  test("a normal restart is no fault: its agent has polled from its disk", () => {
    const world = testFleet().born(1);
    world.all({ kind: "phaseSeen", id: id(1), phase: "handedOver" }, polls({ fromDisk: true }));
    assert.equal(world.get(1).runningImage, undefined);
    world.later(hourMs);
    world.all(asked(1, { answer: "local" }));
    assert.deepEqual([world.get(1).phase, world.get(1).conditions], ["rebooting", []]);
    world.all(polls({ fromDisk: true }));
    assert.equal(world.get(1).unheardBoots, undefined);
  });

  test("when it falls silent, the policy does not take it for one that never had a system", () => {
    const world = testFleet().born(1);
    world.all({ kind: "phaseSeen", id: id(1), phase: "handedOver" }, polls({ fromDisk: true }));
    world.later(24 * hourMs);
    const ours = { ...repair, ...rules, othersUpdate: false };
    world.all({ kind: "stalled", id: id(1), reason: "silent" });
    world.later(hourMs);
    assert.equal(nextRepair(world.get(1), world.nowMs(), ours).kind, "none");
  });
});
