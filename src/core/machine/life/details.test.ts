import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkFleet } from "../check.ts";
import type { Decision, DetailsPatch, MachineEvent } from "../event.ts";
import { locationOf } from "../location.ts";
import type { MachineId } from "../record.ts";
import { asked, burnIn, hardware, healthy, id, issued, mac, place, taken, testFleet } from "../testing/test-fleet.ts";
import { announcedId, tagLimit } from "./details.ts";
import type { EventOf } from "./move.ts";
import { silentBeforeTakeoverMs } from "./takeover.ts";

const by = "op";
type Created = EventOf<"machineCreated">;
const created = (n: number, more: Partial<Created> = {}): Created => {
  const macs = more.macs ?? [mac(n)];
  return { kind: "machineCreated", by, id: announcedId(macs, more.place) ?? id(n), ...more, macs };
};
const switchPort = (unit: number) => ({ switchName: place(unit).switchName, port: place(unit).port });
const awaitedAt = (unit: number, more: Partial<Created> = {}) =>
  created(0, { macs: [], place: switchPort(unit), ...more });
const set = (n: number, details: DetailsPatch): MachineEvent => ({ kind: "detailsSet", id: id(n), by, details });
const placed = (n: number, unit = n): MachineEvent => ({ kind: "placed", id: id(n), placement: place(unit) });
const retired = (n: number): MachineEvent => ({ kind: "retired", id: id(n), by, reason: "sold" });
const scanned = (n: number, ...nics: number[]): MachineEvent => ({
  kind: "hardwareScanned",
  id: id(n),
  hardware: hardware(...nics.map(mac)),
});
const refusal = (decision: Decision) => (decision.kind === "refused" ? decision.refusal.kind : decision.kind);
const kinds = (n: number, world: ReturnType<typeof testFleet>) => world.get(n).conditions.map(({ kind }) => kind);

describe("a machine that is announced", () => {
  test("is born by a request on a nursery, not by the announcement, and gets the announced details", () => {
    const world = testFleet();
    world.all(created(1, { tags: { env: "lab" }, groups: ["a", "a"], requiredImage: "db/3", hostname: "r01u01" }));
    assert.equal(world.get(1).state, "unknown");
    assert.equal(refusal(world.apply(issued(1))), "notInNursery");
    world.all(asked(1, { nursery: false }));
    assert.equal(world.get(1).state, "unknown");
    world.all(asked(1), issued(1), taken(1), placed(1), healthy(1, 1));
    const { tags, groups, requiredImage, announced, state, hostname } = world.get(1);
    assert.deepEqual(
      { tags, groups, requiredImage, announced, state, hostname },
      {
        ...{ tags: { env: "lab" }, groups: ["a"], requiredImage: "db/3" },
        ...{ announced: undefined, state: "healthy", hostname: "r01u01" },
      },
    );
  });

  test("is born on any network if announced with birth", () => {
    const world = testFleet();
    world.all(created(1, { birth: true }), asked(1, { nursery: false }), issued(1), taken(1), healthy(1, 1));
    assert.deepEqual([world.get(1).state, world.get(1).generation], ["healthy", 1]);
  });

  test("must be in the announced slot before its disks are touched", () => {
    for (const more of [{ hostname: "r01u01" }, { place: switchPort(1) }]) {
      const world = testFleet();
      world.all(created(1, more), asked(1), issued(1), taken(1));
      assert.equal(refusal(world.apply(placed(1, 2))), "otherPlace");
      assert.deepEqual(kinds(1, world), ["conflict"]);
      assert.equal(refusal(world.apply(healthy(1, 1, 2))), "otherPlace");
      world.all(placed(1, 1), healthy(1, 1));
      assert.deepEqual(kinds(1, world), []);
    }
  });

  test("keeps its name and slot from other machines", () => {
    for (const more of [{ hostname: "r01u01" }, { place: switchPort(1) }]) {
      const world = testFleet();
      world.all(created(1, more), asked(2), issued(2), taken(2));
      assert.equal(refusal(world.apply(placed(2, 1))), "nameTaken");
      assert.match(world.get(2).conditions[0]?.reason ?? "", new RegExp(`${id(2)}.*(r01u01|${id(1)})`));
    }
  });

  test("for a slot only, is merged into the machine that appears there", () => {
    const world = testFleet();
    const announcement = awaitedAt(1, { hostname: "r01u01", tags: { env: "lab" }, requiredImage: "db/3" });
    world.all(announcement, asked(1), issued(1), taken(1));
    assert.equal(announcement.id, "p-tor-1.swp1");
    const awaited = world.find(announcement.id);
    assert.deepEqual(awaited && locationOf(awaited), { switch: "tor-1", port: "swp1" });
    world.all(placed(1));
    assert.deepEqual([world.list().length, world.get(1).tags, world.get(1).hostname], [1, { env: "lab" }, "r01u01"]);
    world.all(healthy(1, 1));
    assert.equal(world.get(1).requiredImage, "db/3");
    assert.deepEqual(locationOf(world.get(1)), { rack: "1", unit: "1", switch: "tor-1", port: "swp1" });
  });

  test("for a slot only, and on hold: no machine is born there until it is released", () => {
    const world = testFleet();
    const announcement = awaitedAt(1);
    world.all(announcement, asked(1), issued(1), taken(1));
    world.all({ kind: "conditionSet", id: announcement.id, condition: "hold", reason: "recabling" });
    assert.equal(refusal(world.apply(placed(1))), "held");
    world.all({ kind: "conditionCleared", id: announcement.id, condition: "hold" });
    world.all(placed(1));
  });

  test("is recognised by any of its NICs and keeps its details", () => {
    const world = testFleet();
    world.all(
      created(2, { tags: { env: "lab" }, hostname: "r01u01" }),
      asked(1),
      issued(1),
      taken(1),
      scanned(1, 1, 2),
    );
    assert.deepEqual([world.list().length, world.get(1).tags, world.get(1).hostname], [1, { env: "lab" }, "r01u01"]);
    assert.equal(refusal(world.apply(placed(1, 2))), "otherPlace");
  });

  test("can be withdrawn, and announced again", () => {
    const world = testFleet();
    const announcement = awaitedAt(1, { hostname: "r01u01" });
    world.all(announcement, { kind: "retired", id: announcement.id, by });
    assert.deepEqual(checkFleet(world.list()), []);
    world.all(announcement);
    assert.deepEqual(world.list()[0]?.conditions, []);
  });

  const refusals: readonly (readonly [string, MachineEvent, string])[] = [
    ["a known machine", created(1), "alreadyKnown"],
    ["a machine with the NIC of another", created(2, { macs: [mac(2), mac(1)] }), "macTaken"],
    ["a machine with the name of another", created(2, { hostname: "r01u01" }), "nameTaken"],
    ["a machine for a slot that another is announced for", created(2, { place: switchPort(3) }), "alreadyKnown"],
    [
      "a machine with too many tags",
      created(2, { tags: Object.fromEntries(Array.from({ length: tagLimit + 1 }, (_, n) => [`t${n}`, ""])) }),
      "tooMany",
    ],
  ];
  for (const [title, event, kind] of refusals)
    test(`is refused: ${title}`, () => {
      const world = testFleet().born(1);
      world.all(awaitedAt(3));
      const before = JSON.stringify(world.list());
      assert.equal(refusal(world.apply(event)), kind);
      assert.equal(JSON.stringify(world.list()), before);
    });
});

describe("details set by operators", () => {
  test("is a merge patch", () => {
    const world = testFleet().born(1);
    world.all(set(1, { tags: { a: "1", b: "2" }, groups: ["g"], plannedImage: "next", disableUpdates: true }));
    world.all(set(1, { tags: { a: null, c: "3" }, plannedImage: null }));
    const { tags, groups, plannedImage, disableUpdates } = world.get(1);
    assert.deepEqual(
      { tags, groups, plannedImage, disableUpdates },
      { tags: { b: "2", c: "3" }, groups: ["g"], plannedImage: undefined, disableUpdates: true },
    );
    world.all(set(1, { tags: null, groups: null, disableUpdates: false }));
    const bare = world.get(1);
    assert.deepEqual([bare.tags, bare.groups, bare.disableUpdates], [undefined, undefined, undefined]);
  });

  test("a pinned image survives a rebirth, but not a failed burn-in", () => {
    const world = testFleet().born(1);
    world.all(set(1, { requiredImage: "db/3" }));
    assert.equal(world.get(1).requiredImage, "db/3");
    const rebirth = (progress: "passed" | "failed", generation: number): MachineEvent[] => [
      { kind: "rebirthAsked", id: id(1), by },
      ...[asked(1), issued(1, `t${generation}`), taken(1, `t${generation}`), burnIn(1, progress)],
      healthy(1, generation),
    ];
    world.all(...rebirth("passed", 2), healthy(1, 2));
    assert.equal(world.get(1).requiredImage, "db/3");
    world.all(...rebirth("failed", 3));
    assert.equal(world.get(1).requiredImage, "compute");
    world.all(...rebirth("passed", 4));
    assert.equal(world.get(1).requiredImage, "db/3");
    world.all(set(1, { requiredImage: null }), ...rebirth("passed", 5));
    assert.equal(world.get(1).requiredImage, "compute");
  });

  test("a machine with updates disabled is up with any image", () => {
    const world = testFleet().born(1);
    world.all(set(1, { disableUpdates: true, requiredImage: "db/3" }));
    world.all({ kind: "subSeen", id: id(1), runningImage: "db/2", upToDate: false });
    assert.equal(world.get(1).phase, "up");
  });

  const refusals: readonly (readonly [string, DetailsPatch, string])[] = [
    ["another name: it follows from the place", { hostname: "db1" }, "nameByPlace"],
    ["no name: it follows from the place", { hostname: null }, "nameByPlace"],
    ["the NIC by which another machine is known", { macs: [mac(1), mac(2)] }, "macTaken"],
    ["not the NIC by which it is known", { macs: [mac(3)] }, "wrongState"],
    ["too many groups", { groups: Array.from({ length: 17 }, (_, n) => `g${n}`) }, "tooMany"],
  ];
  for (const [title, details, kind] of refusals)
    test(`is refused: ${title}`, () => {
      const world = testFleet().born(1).born(2);
      assert.equal(refusal(world.apply(set(1, details))), kind);
    });
});

describe("a machine that is retired", () => {
  test("frees name, address and slot, keeps its hardware and history, and its agent and order become invalid", () => {
    const world = testFleet().born(1);
    world.all(scannedNothing(), retired(1));
    const machine = world.get(1);
    assert.deepEqual(
      [machine.state, machine.hostname, machine.permanentAddress, machine.placement, machine.subTokenHash],
      ["unknown", undefined, undefined, undefined, undefined],
    );
    assert.match(machine.conditions[0]?.reason ?? "", /sold \(op\)/);
    world.all(asked(2), issued(2), taken(2), placed(2, 1), healthy(2, 1, 1));
    assert.equal(world.get(2).hostname, "r01u01");
    assert.equal(refusal(world.apply({ kind: "subSeen", id: id(1), runningImage: "compute" })), "wrongState");
    assert.deepEqual(checkFleet(world.list()), []);
  });
  const scannedNothing = (): MachineEvent => set(1, { tags: { a: "1" } });

  test("is not born before it is released, whatever it requests; then in a new generation", () => {
    const world = testFleet().born(1);
    world.all(retired(1), asked(1), asked(1, { stage: "loader" }));
    assert.deepEqual([world.get(1).state, world.get(1).phase], ["unknown", undefined]);
    assert.equal(refusal(world.apply(issued(1))), "notInNursery");
    assert.equal(refusal(world.apply({ kind: "rebirthAsked", id: id(1), by })), "notInNursery");
    assert.equal(refusal(world.apply(retired(1))), "wrongState");
    world.all({ kind: "conditionCleared", id: id(1), condition: "retired" }, asked(1));
    assert.deepEqual([world.get(1).state, world.get(1).generation], ["birth", 2]);
  });

  test("is recognised by a formerly unknown NIC and stays retired", () => {
    const world = testFleet().born(1);
    world.all(retired(1), asked(2), issued(2), taken(2));
    assert.equal(refusal(world.apply(scanned(2, 2, 1))), "macTaken");
    assert.match(world.get(2).conditions[0]?.reason ?? "", /birther release/);
  });

  test("in the middle of its birth is stopped at its next report", () => {
    const world = testFleet();
    world.all(asked(1), issued(1), taken(1), retired(1));
    assert.equal(world.get(1).order, undefined);
    assert.equal(refusal(world.apply(healthy(1, 1))), "staleOrder");
  });

  test("cannot be created by setting the condition", () => {
    const world = testFleet().born(1);
    const event: MachineEvent = { kind: "conditionSet", id: id(1), condition: "retired", reason: "r" };
    assert.equal(refusal(world.apply(event)), "wrongState");
  });
});

describe("a newcomer that takes over", () => {
  const takeover = (n: number, from: MachineId): MachineEvent => ({ kind: "takeoverAuthorised", id: id(n), from, by });

  test("a swapped board: a conflict that says so; an operator transfers the name and slot", () => {
    const world = testFleet().born(1);
    const disk = { path: "/dev/sda", model: "", serial: "S4EVNX0M", wwn: "", sizeBytes: 1, rotational: false };
    const disks = [{ ...disk, removable: false, bus: "ata" }];
    const scan = (n: number): MachineEvent => {
      return { kind: "hardwareScanned", id: id(n), hardware: { ...hardware(mac(n)), disks } };
    };
    world.all({ kind: "rebirthAsked", id: id(1), by }, asked(1), issued(1, "r"), taken(1, "r"), scan(1), healthy(1, 2));
    world.all(set(1, { tags: { a: "1" }, requiredImage: "db/3" }), asked(2), issued(2), taken(2), scan(2));
    assert.equal(refusal(world.apply(placed(2, 1))), "nameTaken");
    assert.match(world.get(2).conditions[0]?.reason ?? "", /disk S4EVNX0M.*birther takeover m-020000000002 r01u01/);
    assert.equal(refusal(world.apply(takeover(2, id(1)))), "wrongState", "it was heard a moment ago");
    world.later(silentBeforeTakeoverMs);
    world.all(takeover(2, id(1)));
    assert.deepEqual([world.get(1).state, kinds(1, world), world.get(1).hostname], ["unknown", ["retired"], undefined]);
    assert.deepEqual([kinds(2, world), world.get(2).hostname, world.get(2).tags], [[], "r01u01", { a: "1" }]);
    const unaware = { order: { generation: 1, action: "birth" } } as const;
    const chosen = { path: "/dev/sdb", serial: "data", wwn: "", sizeBytes: 1 };
    const early: MachineEvent = { kind: "placed", id: id(2), placement: place(1), ...unaware, rootDisk: chosen };
    assert.equal(
      refusal(world.apply(early)),
      "staleOrder",
      "its order does not know the old root disk from data disks",
    );
    assert.equal(refusal(world.apply(healthy(2, 1, 1))), "staleOrder");
    world.all(asked(2), issued(2, "t2"), taken(2, "t2"), scan(2));
    assert.equal(refusal(world.apply(placed(2, 3))), "otherPlace", "only the old place");
    world.all(placed(2, 1), healthy(2, 1, 1));
    assert.equal(world.get(2).requiredImage, "db/3");
    world.all(asked(1));
    assert.equal(world.get(1).state, "unknown", "the old board is not born where it comes up");
    assert.deepEqual(checkFleet(world.list()), []);
  });

  test("is born by that outside a nursery", () => {
    const world = testFleet().born(1);
    world.later(silentBeforeTakeoverMs);
    world.all(asked(2, { nursery: false }), takeover(2, id(1)));
    assert.deepEqual([world.get(2).state, world.get(2).generation], ["birth", 1]);
  });

  test("cannot be an installed machine, a retired one, or the same machine", () => {
    const world = testFleet().born(1).born(2);
    world.later(silentBeforeTakeoverMs);
    assert.equal(refusal(world.apply(takeover(2, id(1)))), "wrongState");
    world.all(asked(3));
    assert.equal(refusal(world.apply(takeover(3, id(9)))), "noSuchMachine");
    assert.equal(refusal(world.apply(takeover(3, id(3)))), "wrongState");
    world.all(retired(3));
    assert.equal(refusal(world.apply(takeover(3, id(1)))), "wrongState");
    const nobodyYet = awaitedAt(5);
    world.all(nobodyYet);
    assert.equal(refusal(world.apply({ ...takeover(3, id(1)), id: nobodyYet.id } as MachineEvent)), "wrongState");
  });
});
