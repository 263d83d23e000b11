import assert from "node:assert/strict";
import { test } from "node:test";
import { asksAgain } from "../requests.ts";
import { asked, id, testFleet } from "../testing/test-fleet.ts";

const arm64 = { architecture: "arm64", firmware: "uefi" } as const;
const without = { ...arm64, withoutImage: true, answer: "local: offerThenNak" } as const;
const failing = { kind: "failing" } as const;

test("a machine that the server has no image for gets a condition that names the command, and keeps its start", () => {
  const world = testFleet();
  world.all(asked(1, without));
  const machine = world.get(1);
  assert.equal(machine.architecture, "arm64");
  const [condition] = machine.conditions;
  assert.deepEqual([condition?.kind, condition?.withoutImage], ["failing", true]);
  assert.match(condition?.reason ?? "", /no Bootstrap Image for arm64.*birther image build --arch arm64$/);
  const event = asked(1, without);
  assert.ok(event.kind === "pxeAsked");
  assert.equal(asksAgain(machine, event, machine.pxe.lastRequestAtMs + 1000), true, "repetitions are only counted");
  world.all(asked(1, without));
  assert.equal(world.get(1).conditions[0], condition);
});

test("the condition ends with the first request that finds an image, and only this one", () => {
  const world = testFleet();
  world.all(asked(1, without), asked(1, arm64));
  assert.deepEqual([world.get(1).conditions, world.get(1).architecture], [[], "arm64"]);
  world.all({ kind: "failed", id: id(1), step: "scanHardware", reason: "no disk" }, asked(1, arm64));
  assert.deepEqual(
    world.get(1).conditions.map(({ kind, reason }) => [kind, reason.includes("no disk")]),
    [[failing.kind, true]],
  );
});

test("a withheld request sets no condition; another board takes the architecture away", () => {
  const world = testFleet();
  world.all(asked(1, { ...without, withheld: true }));
  assert.deepEqual(world.get(1).conditions, []);
  world.all(asked(1, arm64), asked(1));
  assert.equal(world.get(1).architecture, undefined);
});
