import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Decision, MachineEvent, OfOrder, Refusal } from "../event.ts";
import { asked, healthy, id, issued, place, taken, testFleet } from "../testing/test-fleet.ts";

const born = (n = 1) => testFleet().born(n);

function refusal(decision: Decision): Refusal["kind"] {
  assert.equal(decision.kind, "refused", JSON.stringify(decision));
  return decision.kind === "refused" ? decision.refusal.kind : assert.fail();
}

describe("a machine that restarts", () => {
  test("a machine that restarts before its image is installed gets an order to resume, which nothing but its agent can follow", () => {
    const world = born(1);
    world.all({ kind: "phaseSeen", id: id(1), phase: "fetching" }, asked(1), issued(1, "again"));
    assert.deepEqual([world.get(1).phase, world.get(1).conditions], ["offered", []]);
    assert.deepEqual([world.get(1).order?.action, world.get(1).order?.generation], ["resume", 1]);
    world.all(taken(1, "again", "boot2"));
    assert.deepEqual([world.get(1).state, world.get(1).phase], ["healthy", "initUp"]);
    const order = { action: "resume", generation: 1 } as const;
    for (const phase of ["burnIn", "placed", "keysMade", "partitioned", "populated"] as const)
      assert.equal(refusal(world.apply({ kind: "phaseSeen", id: id(1), phase, order })), "wrongState");
    assert.equal(refusal(world.apply({ kind: "placed", id: id(1), placement: place(1), order })), "wrongState");
    assert.equal(refusal(world.apply(healthy(1, 1))), "staleOrder");
    world.all({ kind: "agentResumed", id: id(1), order, subTokenHash: "new" });
    world.all({ kind: "phaseSeen", id: id(1), phase: "handedOver", order, durationMs: 5 });
    assert.equal(world.get(1).subTokenHash, "new");
    world.all({ kind: "subSeen", id: id(1) });
    assert.equal(world.get(1).order, undefined, "a poll voids whatever order was issued");
    assert.equal(world.get(1).awaitsFirstImage, true, "the agent polled from the Bootstrap Image");
    world.all({ kind: "phaseSeen", id: id(1), phase: "rebooting" }, asked(1));
    assert.equal(
      refusal(world.apply(issued(1, "third"))),
      "staleOrder",
      "its image is in place: it starts from its disk",
    );
    world.all({ kind: "subSeen", id: id(1), fromDisk: true });
    assert.equal(world.get(1).awaitsFirstImage, undefined);
    for (const phase of ["fetching", "updating"] as const) {
      world.all({ kind: "phaseSeen", id: id(1), phase });
      assert.equal(refusal(world.apply(issued(1, "fourth"))), "staleOrder", "never again");
    }
  });

  test("to resume is refused on hold, and a failure of it says that a rebirth helps", () => {
    const world = born(1);
    const hold = { condition: "hold", id: id(1) } as const;
    world.all(asked(1), { kind: "conditionSet", ...hold, reason: "r" });
    assert.equal(refusal(world.apply(issued(1, "again"))), "held");
    world.all({ kind: "conditionCleared", ...hold }, issued(1, "again"), taken(1, "again", "boot2"));
    const order = { action: "resume", generation: 1 } as const;
    world.all({ kind: "failed", id: id(1), order, step: "unlock root", reason: "no key" });
    assert.deepEqual(
      world.get(1).conditions.map(({ kind, remedy }) => [kind, remedy]),
      [["failing", "rebirth"]],
    );
    world.all({ kind: "conditionSet", ...hold, reason: "r" });
    assert.equal(refusal(world.apply({ kind: "agentResumed", id: id(1), order, subTokenHash: "new" })), "held");
    world.all({ kind: "conditionCleared", ...hold }, asked(1), issued(1, "b"), taken(1, "b", "boot3"));
    world.all({ kind: "phaseSeen", id: id(1), phase: "handedOver", order });
    assert.deepEqual(world.get(1).conditions, [], "it got past the failure");
  });

  test("a machine that resumes again and again without a poll of its agent is failing until it polls", () => {
    const world = born(1);
    for (let n = 1; n <= 3; n += 1) {
      assert.deepEqual(world.get(1).conditions, []);
      world.later(600_000);
      world.all(asked(1), asked(1), issued(1, `t${n}`), taken(1, `t${n}`, `boot${n}`));
    }
    assert.match(
      world.get(1).conditions[0]?.reason ?? "",
      /^started 3 times before its first image.*permanent address/,
    );
    world.all({ kind: "subSeen", id: id(1) });
    assert.deepEqual([world.get(1).conditions, world.get(1).unheardBoots], [[], undefined]);
  });

  test("an agent that polls although its machine seemed to restart goes on where it was", () => {
    const world = born(1);
    world.all({ kind: "phaseSeen", id: id(1), phase: "fetching" }, asked(1), issued(1, "again"));
    world.all({ kind: "subSeen", id: id(1) });
    assert.deepEqual([world.get(1).phase, world.get(1).order], ["handedOver", undefined]);
    assert.equal(refusal(world.apply(taken(1, "again"))), "unknownToken");
  });

  const failed = (step: string, order?: OfOrder["order"]): MachineEvent => ({
    ...{ kind: "failed", id: id(1), step, reason: "r" },
    ...(order === undefined ? {} : { order }),
  });
  const conditions = (world: ReturnType<typeof testFleet>) => world.get(1).conditions.map(({ kind }) => kind);

  test("failing ends when the machine gets past the step that failed", () => {
    const world = testFleet();
    world.all(asked(1), issued(1), taken(1), failed("find the switch port"), asked(1), issued(1, "b"), taken(1, "b"));
    assert.deepEqual(conditions(world), ["failing"], "the next attempt is as far as the last");
    world.all({ kind: "phaseSeen", id: id(1), phase: "burnIn", durationMs: 1 });
    assert.deepEqual(conditions(world), []);
  });

  test("a failed fetch ends with the first one that succeeds, long before the machine is up", () => {
    const world = born(1);
    const fetching: MachineEvent = { kind: "phaseSeen", id: id(1), phase: "fetching" };
    world.all(fetching, failed("fetch"), fetching);
    assert.deepEqual(conditions(world), ["failing"], "it only tries again");
    world.all({ ...fetching, durationMs: 10 });
    assert.deepEqual(conditions(world), []);
  });

  test("a rebirth or clean begins without failing; a cancel brings it back", () => {
    for (const kind of ["rebirthAsked", "cleanAsked"] as const) {
      const world = born(1);
      world.all({ kind: "phaseSeen", id: id(1), phase: "updating" }, failed("update"), { kind, id: id(1), by: "op" });
      assert.deepEqual(conditions(world), []);
      world.all({ kind: "rebirthCancelled", id: id(1), by: "op" });
      assert.deepEqual(conditions(world), ["failing"]);
    }
  });

  test("a machine of an older version that restarts before its image is installed is failing, is sent to its disk, and recovers once it polls", () => {
    const world = born(1);
    world.forget(1, "awaitsFirstImage");
    world.all(asked(1));
    assert.match(world.get(1).conditions[0]?.reason ?? "", /before its image was installed.*rebirth/);
    assert.equal(refusal(world.apply(issued(1, "again"))), "staleOrder");
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
    assert.deepEqual(world.get(1).conditions, []);
    world.all(asked(1));
    assert.deepEqual([world.get(1).phase, world.get(1).conditions], ["rebooting", []]);
  });

  test("a machine that ran an image is rebooting, not failing, after a power cut during a later update", () => {
    for (const phase of ["fetching", "updating"] as const) {
      const world = born(1);
      world.all({ kind: "subSeen", id: id(1), runningImage: "compute" }, { kind: "phaseSeen", id: id(1), phase });
      world.all(asked(1, { answer: "local" }));
      assert.deepEqual([world.get(1).phase, world.get(1).conditions], ["rebooting", []]);
    }
  });

  test("a machine is failing at its third start without a poll of its agent; a poll resets the count", () => {
    const world = born(1);
    const up: MachineEvent = { kind: "subSeen", id: id(1), runningImage: "compute" };
    const start = () => {
      world.all(asked(1, { answer: "local" }), asked(1, { answer: "local" }));
      world.later(60_000);
    };
    world.all(up, { kind: "phaseSeen", id: id(1), phase: "rebooting" });
    start();
    start();
    world.all(up);
    start();
    start();
    assert.deepEqual(world.get(1).conditions, [], "two starts, each with two requests, are no sign of anything");
    start();
    assert.match(world.get(1).conditions[0]?.reason ?? "", /^started 3 times.*console.*birther rebirth r01u01/);
    world.all(up);
    assert.deepEqual([world.get(1).conditions, world.get(1).unheardBoots], [[], undefined]);
  });
});

test("a machine that restarts into its image without a PXE request did not ask; its next request ends that", () => {
  const upWith = (runningImage: string): MachineEvent => ({
    ...{ kind: "subSeen", id: id(1), fromDisk: true },
    ...{ runningImage, upToDate: true },
  });
  const reboot: MachineEvent = { kind: "phaseSeen", id: id(1), phase: "rebooting" };
  const world = testFleet().born(1);
  world.later(60_000);
  world.all(reboot);
  world.later(60_000);
  world.all(asked(1, { answer: "local" }));
  world.later(60_000);
  world.all(upWith("compute/1"));
  const didNotAskAtMs = () => {
    const machine = world.get(1);
    return machine.state === "healthy" ? machine.didNotAskAtMs : assert.fail(machine.state);
  };
  assert.equal(didNotAskAtMs(), undefined, "it asked before it started its disk");
  world.all(reboot);
  world.later(60_000);
  world.all(upWith("compute/2"));
  assert.equal(didNotAskAtMs(), world.nowMs());
  world.later(60_000);
  world.all(asked(1, { answer: "local", withheld: true }));
  assert.notEqual(didNotAskAtMs(), undefined, "a withheld answer proves nothing about what it starts first");
  world.all(asked(1, { answer: "local" }));
  assert.equal(didNotAskAtMs(), undefined);
});

test("what the TPM measured is that of the latest poll; a machine that is born anew has none", () => {
  const world = testFleet().born(1);
  const revision = () => world.get(1).revision;
  const poll = (more: object): MachineEvent => ({ kind: "subSeen", id: id(1), fromDisk: true, ...more });
  world.all(poll({ measuredBoot: { kind: "asWritten" } }));
  assert.deepEqual(world.get(1).measuredBoot, { kind: "asWritten" });
  const before = revision();
  world.all(poll({ measuredBoot: { kind: "asWritten" } }));
  assert.equal(revision(), before, "the same again is no news");
  for (const pcrs of [[9], [8, 9]] as const) {
    world.all(poll({ measuredBoot: { kind: "differs", pcrs } }));
    assert.deepEqual(world.get(1).measuredBoot, { kind: "differs", pcrs });
  }
  world.all(poll({}));
  assert.equal(world.get(1).measuredBoot, undefined);
  world.all(poll({ measuredBoot: { kind: "notMeasured" } }), { kind: "rebirthAsked", id: id(1), by: "op" });
  world.all(asked(1), issued(1, "again"), taken(1, "again", "boot2"), healthy(1, 2));
  assert.equal(world.get(1).measuredBoot, undefined);
});
