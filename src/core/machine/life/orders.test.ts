import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineEvent } from "../event.ts";
import type { BirthAction } from "../state.ts";
import { asked, burnIn, hardware, healthy, id, issued, mac, place, taken, testFleet } from "../testing/test-fleet.ts";

const rebirth = { kind: "rebirthAsked", id: id(1), by: "olga" } as const;
const of = (generation: number, action: BirthAction = "rebirth") => ({ order: { generation, action } });

/** All that a birth reports before it is healthy. */
const reports: readonly MachineEvent[] = [
  { kind: "hardwareScanned", id: id(1), hardware: hardware(mac(1)) },
  { ...burnIn(1, "passed") },
  { kind: "placed", id: id(1), placement: place(1) },
  { kind: "phaseSeen", id: id(1), phase: "keysMade" },
  { kind: "phaseSeen", id: id(1), phase: "partitioned" },
  { kind: "phaseSeen", id: id(1), phase: "populated" },
  { kind: "failed", id: id(1), step: "partition", reason: "I/O error" },
];

/** A machine whose rebirth (generation 2) runs. */
function running() {
  const world = testFleet().born();
  world.all(rebirth, asked(1), issued(1, "t2"), taken(1, "t2"));
  return world;
}

test("reports of the order that counts are accepted", () => {
  const world = running();
  for (const report of reports) world.all({ ...report, ...of(2) } as MachineEvent);
});

for (const report of reports) {
  const name = report.kind === "phaseSeen" ? report.phase : report.kind;
  test(`${name} of a superseded order is refused and changes nothing`, () => {
    const world = running();
    world.all({ ...rebirth, restart: true });
    const before = world.get(1);
    for (const order of [of(2), of(3), of(3, "clean"), of(1, "birth")]) {
      const decision = world.apply({ ...report, ...order } as MachineEvent);
      assert.equal(decision.kind === "refused" && decision.refusal.kind, "staleOrder");
    }
    assert.deepEqual(world.get(1), before);
  });
}

test("a second rebirth while one runs is refused, with the option that restarts it", () => {
  const world = running();
  for (const kind of ["rebirthAsked", "cleanAsked"] as const) {
    const decision = world.apply({ ...rebirth, kind });
    assert.match(decision.kind === "refused" ? decision.refusal.next : "", /birther rebirth r01u01 --restart/);
  }
  world.all({ ...rebirth, restart: true });
  assert.equal(world.get(1).generation, 3);
});

test("a rebirth that failed, or has not begun, can be requested again", () => {
  const failed = running();
  failed.all({ kind: "failed", id: id(1), step: "partition", reason: "I/O error", ...of(2) }, rebirth);
  const pending = testFleet().born();
  pending.all(rebirth, rebirth);
});

test("an order of another action is not this one's", () => {
  const world = running();
  const decision = world.apply({ kind: "phaseSeen", id: id(1), phase: "keysMade", ...of(2, "clean") });
  assert.equal(decision.kind, "refused");
});

test("the last report of a birth comes after it is healthy, and belongs to its order", () => {
  const world = running();
  world.all(healthy(1, 2), { kind: "phaseSeen", id: id(1), phase: "handedOver", ...of(2) });
});
