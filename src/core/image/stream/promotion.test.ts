import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { machineIdFromMac } from "../../machine/life/move.ts";
import { id, mac, testFleet } from "../../machine/testing/test-fleet.ts";
import { canaryProgress } from "./canary.ts";
import { followedStream, type ImageStream, imageFor } from "./image-stream.ts";
import { decidePromotion, decideRollback, firstCurrent, type PromotionRequest } from "./promotion.ts";
import { noMachines, withMachine } from "./survey.ts";

const held: ImageStream = { stream: "compute", current: 1, by: "ann", atMs: 5 };

/** A fleet of three machines that run the current version of `compute`. */
function upFleet() {
  const world = testFleet();
  world.setStreams([held]);
  for (const n of [3, 1, 2]) {
    world.born(n);
    world.all({ kind: "subSeen", id: id(n), runningImage: "compute/1", fromDisk: true });
  }
  return world;
}

type World = ReturnType<typeof testFleet>;
const context = (world: World, now: ImageStream | undefined = held) => {
  const stream = { stream: "compute", held: now };
  const survey = world.list().reduce((sum, machine) => withMachine(sum, machine, stream), noMachines);
  return { ...stream, survey, by: "bob", nowMs: 9 };
};
const promote = (world: World, request: PromotionRequest, now?: ImageStream) =>
  decidePromotion(request, context(world, now));
const trial: ImageStream = { ...held, promotion: { version: 2, canary: id(1), by: "bob", atMs: 9 } };
const moved: ImageStream = { ...{ stream: "compute", current: 2, previous: 1, by: "bob", atMs: 9 }, moving: true };

describe("a promotion", () => {
  test("begins with the first machine by name that is up; no other machine and no newborn gets the version", () => {
    const world = upFleet();
    assert.deepEqual(promote(world, { version: 2 }), { kind: "changed", held: trial });
    const images = [1, 2, 9].map((n) => imageFor([trial], "compute", machineIdFromMac(mac(n))));
    assert.deepEqual(images, ["compute/2", "compute/1", "compute/1"]);
    world.setStreams([trial]);
    world.born(4);
    assert.equal(world.get(4).requiredImage, "compute/1");
  });

  test("goes on with all machines only when the first one is up with the version; repeating a request changes nothing", () => {
    const world = upFleet();
    assert.deepEqual(promote(world, { version: 2 }, trial), { kind: "unchanged", held: trial });
    const early = promote(world, { version: 2, all: true }, trial);
    assert.match(
      early.kind === "refused" ? early.refusal.message : "",
      /r01u01 does not run compute\/2 yet: state healthy/,
    );
    world.all({ kind: "imageRequired", id: id(1), image: "compute/2", by: "bob" });
    assert.equal(canaryProgress(trial, world.get(1), { promotion: trial.promotion ?? assert.fail() }).kind, "waiting");
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute/2" });
    assert.deepEqual(promote(world, { version: 2, all: true }, trial), { kind: "changed", held: moved });
    const { moving: _done, ...settled } = moved;
    assert.deepEqual(promote(world, { version: 2, all: true }, settled), { kind: "unchanged", held: settled });
  });

  test("a first machine that fails is named with its reason, and the others are not moved", () => {
    const world = upFleet();
    world.all({ kind: "imageRequired", id: id(1), image: "compute/2", by: "bob" });
    world.all({ kind: "failed", id: id(1), step: "update", reason: "no space", image: "compute/2" });
    const refused = promote(world, { version: 2, all: true }, trial);
    assert.match(refused.kind === "refused" ? refused.refusal.message : "", /r01u01 .*failing: update: no space/);
  });

  const rows: readonly (readonly [title: string, request: PromotionRequest, now: ImageStream, refusal: RegExp])[] = [
    ["another version while one is tried", { version: 3 }, trial, /compute\/2 is being tried on r01u01, since bob/],
    [
      "another first machine than the one that tries",
      { version: 2, canary: upFleet().get(2) },
      trial,
      /already being tried on r01u01/,
    ],
  ];
  for (const [title, request, now, refusal] of rows)
    test(`refused: ${title}`, () => {
      const decision = promote(upFleet(), request, now);
      assert.match(decision.kind === "refused" ? decision.refusal.message : decision.kind, refusal);
    });

  test("the first machine must be up, follow the stream, have no condition and be updated; else the next one is taken", () => {
    const world = upFleet();
    world.all({ kind: "detailsSet", id: id(1), by: "ann", details: { requiredImage: "compute/1" } });
    world.all({ kind: "conditionSet", id: id(2), condition: "maintenance", reason: "disk" });
    const chosen = promote(world, { version: 2 });
    assert.equal(chosen.kind === "changed" && chosen.held.promotion?.canary, id(3));
    for (const [n, why] of [
      [1, /it does not follow compute: it requires compute\/1/],
      [2, /maintenance: disk/],
    ] as const) {
      const named = promote(world, { version: 2, canary: world.get(n) });
      assert.match(named.kind === "refused" ? named.refusal.message : "", why);
    }
    world.all({ kind: "detailsSet", id: id(3), by: "ann", details: { disableUpdates: true } });
    const none = promote(world, { version: 2 });
    assert.match(none.kind === "refused" ? none.refusal.next : "", /--all --no-canary/);
    assert.deepEqual(promote(world, { version: 2, all: true, skipCanary: true }), { kind: "changed", held: moved });
  });

  test("without machines that follow the stream, or without a current version, the version is current at once", () => {
    const empty = testFleet();
    assert.deepEqual(promote(empty, { version: 2 }), { kind: "changed", held: moved });
    const first = decidePromotion({ version: 2 }, { ...context(empty), held: undefined });
    const { previous: _none, ...withoutPrevious } = moved;
    assert.deepEqual(first, { kind: "changed", held: withoutPrevious });
  });

  test("where an external Dominator updates, no machine is taken for up with a version: an operator says so", () => {
    const world = upFleet();
    world.all({ kind: "imageRequired", id: id(1), image: "compute/2", by: "bob" });
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute/1", upToDate: true });
    const request = { version: 2, all: true } as const;
    const refused = decidePromotion(request, { ...context(world, trial), othersUpdate: true });
    assert.match(refused.kind === "refused" ? refused.refusal.message : "", /check it, then use --all --no-canary/);
  });

  test("an interrupted move is finished by asking again", () => {
    assert.deepEqual(promote(upFleet(), { version: 2 }, moved), { kind: "changed", held: moved });
  });
});

test("rollback: ends a trial; without one, the version before is current again; and again", () => {
  const world = upFleet();
  assert.deepEqual(decideRollback(context(world, trial)), { kind: "changed", held: { ...held, moving: true } });
  const { moving: _done, ...settled } = moved;
  const back = decideRollback(context(world, settled));
  assert.deepEqual(back, { kind: "changed", held: { ...moved, current: 1, previous: 2 } });
  assert.equal(decideRollback(context(world, held)).kind, "refused");
});

test("the first current version is the newest one, of the imported and of the running ones", () => {
  const known = [
    { stream: "compute", version: 2 },
    { stream: "compute", version: 10 },
    { stream: "storage", version: 11 },
  ];
  assert.equal(firstCurrent("compute", known), 10);
  assert.equal(firstCurrent("debug", known), undefined);
});

describe("which stream a machine follows", () => {
  test("an operator's exact version follows none; his stream its current version; without him the stream stays", () => {
    const world = upFleet();
    world.setStreams([held, { ...held, stream: "gpu", current: 7 }]);
    const set = (requiredImage: string | null) => {
      world.all({ kind: "detailsSet", id: id(1), by: "ann", details: { requiredImage } });
      const machine = world.get(1);
      return [machine.requiredImage, machine.pinnedImage, followedStream(machine)];
    };
    assert.deepEqual(set("gpu/3"), ["gpu/3", "gpu/3", undefined]);
    const refused = world.apply({ kind: "imageRequired", id: id(1), image: "gpu/7", by: "bob" });
    assert.equal(refused.kind, "refused");
    assert.deepEqual(set(null), ["gpu/3", undefined, "gpu"]);
    world.all({ kind: "imageRequired", id: id(1), image: "gpu/7", by: "bob" });
    assert.deepEqual(set("gpu"), ["gpu/7", "gpu", "gpu"]);
    assert.deepEqual(set("debug"), ["debug", "debug", "debug"], "no version is current: it waits for the first one");
  });
});

describe("a stopped update", () => {
  const stopped = () => {
    const world = upFleet();
    world.all({ kind: "imageRequired", id: id(1), image: "compute/2", by: "bob" });
    world.all({ kind: "failed", id: id(1), step: "update", reason: "stopped", image: "compute/2" });
    assert.equal(world.get(1).conditions.length, 1);
    return world;
  };
  const ends: readonly (readonly [title: string, then: (world: World) => void])[] = [
    [
      "when it is promoted back",
      (world) => world.all({ kind: "imageRequired", id: id(1), image: "compute/1", by: "bob" }),
    ],
    [
      "when the next version is promoted",
      (world) => world.all({ kind: "imageRequired", id: id(1), image: "compute/3", by: "bob" }),
    ],
    [
      "when an operator pins another",
      (world) => world.all({ kind: "detailsSet", id: id(1), by: "ann", details: { requiredImage: "db/1" } }),
    ],
    [
      "when an operator forces it",
      (world) => world.all({ kind: "detailsSet", id: id(1), by: "ann", details: { forcedImage: "compute/2" } }),
    ],
    ["when it goes on after all", (world) => world.all({ kind: "phaseSeen", id: id(1), phase: "fetching" })],
  ];
  for (const [title, then] of ends)
    test(`is not a condition any more ${title}`, () => {
      const world = stopped();
      then(world);
      assert.deepEqual(world.get(1).conditions, []);
    });

  test("stays while the same version is required", () => {
    const world = stopped();
    world.all({ kind: "imageRequired", id: id(1), image: "compute/2", by: "bob" });
    world.all({ kind: "detailsSet", id: id(1), by: "ann", details: { tags: { a: "b" } } });
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute/1", upToDate: false });
    assert.equal(world.get(1).conditions[0]?.image, "compute/2");
  });
});
