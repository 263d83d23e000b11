import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineEvent } from "../event.ts";
import { asked, burnIn, healthy, id, issued, place, taken, testFleet } from "../testing/test-fleet.ts";
import { conditionOf } from "./move.ts";

const suspect = {
  ...{ test: "disk", subject: "/dev/vda", figure: "writeMiBps", value: 12 },
  ...{ machines: 39, median: 200, least: 180, most: 220 },
};
const other = { ...suspect, test: "network", subject: "10.0.0.1", figure: "readMiBps" };
const reported = (more: object = {}) => ({ ...burnIn(1, "passed"), suspects: [suspect], ...more }) as MachineEvent;

function ordered() {
  const world = testFleet();
  world.all(asked(1), issued(1), taken(1));
  return world;
}

test("a suspect is on record, and its birth goes on; a burn-in without it clears the record", () => {
  const world = ordered();
  world.all(reported(), { kind: "placed", id: id(1), placement: place(1) }, healthy(1, 1));
  assert.deepEqual(world.get(1).suspects, [suspect]);
  assert.deepEqual(world.get(1).conditions, []);
  world.all({ kind: "rebirthAsked", id: id(1), by: "op" }, asked(1), issued(1, "r"), taken(1, "r"));
  world.all(burnIn(1, "skipped"));
  assert.deepEqual(world.get(1).suspects, [suspect], "a skipped burn-in says nothing");
  world.all(burnIn(1, "passed"));
  assert.equal(world.get(1).suspects, undefined);
});

test("where suspects are held, one stops the birth before its place; what an operator releases does not hold again", () => {
  const world = ordered();
  const held = world.apply(reported({ holdSuspects: true }));
  assert.ok(held.kind === "refused" && held.refusal.kind === "held");
  assert.match(
    held.refusal.message,
    /disk of \/dev\/vda: write 12 MiB\/s; 39 machines of this model have 180 to 220 MiB\/s/,
  );
  assert.match(conditionOf(world.get(1), "hold")?.reason ?? "", /birther release/);
  const placed = world.apply({ kind: "placed", id: id(1), placement: place(1) });
  assert.equal(placed.kind === "refused" && placed.refusal.kind, "held");
  world.all({ kind: "conditionCleared", id: id(1), condition: "hold" }, asked(1), issued(1, "r"), taken(1, "r"));
  world.all(reported({ holdSuspects: true }), { kind: "placed", id: id(1), placement: place(1) });
  const again = world.apply(reported({ suspects: [suspect, other], holdSuspects: true }));
  assert.ok(again.kind === "refused", "another figure is news");
  assert.match(again.refusal.message, /network/);
  assert.doesNotMatch(again.refusal.message, /disk of/);
});
