import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../../tests/support/runs.ts";
import { noAddress } from "../../net/ipv4.ts";
import { ip } from "../../net/testing/addresses.ts";
import { checkFleet } from "../check.ts";
import type { Decision, MachineEvent, OfOrder, Refusal } from "../event.ts";
import type { MachineId } from "../record.ts";
import { asked, burnIn, hardware, healthy, id, issued, mac, place, taken, testFleet } from "../testing/test-fleet.ts";

const born = (n = 1) => testFleet().born(n);

function refusal(decision: Decision): Refusal["kind"] {
  assert.equal(decision.kind, "refused", JSON.stringify(decision));
  return decision.kind === "refused" ? decision.refusal.kind : assert.fail();
}

describe("life of a machine", () => {
  test("an unknown machine on a nursery is born, with a request on its record", () => {
    const world = testFleet();
    world.all(asked(1, { address: ip("10.77.0.50") }));
    const machine = world.get(1);
    assert.deepEqual(
      [machine.state, machine.generation, machine.phase, machine.temporaryAddress, machine.pxe.requests],
      ["birth", 1, "offered", ip("10.77.0.50"), 1],
    );
  });

  test("elsewhere it is only recorded, gets no order, and is born by a later request on a nursery", () => {
    const world = testFleet();
    world.all(asked(1, { nursery: false, answer: "local" }));
    assert.equal(world.get(1).state, "unknown");
    assert.equal(refusal(world.apply(issued(1))), "notInNursery");
    assert.equal(refusal(world.apply({ kind: "rebirthAsked", id: id(1), by: "op" })), "notInNursery");
    world.all(asked(1));
    assert.equal(world.get(1).state, "birth");
  });

  test("a withheld answer does not count, and no machine is born by it", () => {
    const world = testFleet();
    world.all(asked(1, { nursery: false, withheld: true }));
    assert.deepEqual([world.get(1).state, world.get(1).pxe.responses], ["unknown", 0]);
    assert.match(world.get(1).pxe.lastAnswer, /^withheld: /);
    world.all(asked(2), asked(2, { nursery: false, withheld: true, answer: "loader" }));
    assert.deepEqual([world.get(2).pxe.requests, world.get(2).pxe.responses], [2, 1]);
    assert.equal(world.get(2).timeline.length, 1, "no attempt has begun");
  });

  test("an address leased by another DHCP server is recorded, unless it is another machine's permanent address", () => {
    const world = testFleet();
    world.all(...birthOf(1, 1), asked(2), { kind: "addressSeen", id: id(2), address: ip("10.9.0.7") });
    assert.equal(world.get(2).temporaryAddress, ip("10.9.0.7"));
    const taken = world.get(1).permanentAddress ?? noAddress;
    assert.equal(refusal(world.apply({ kind: "addressSeen", id: id(2), address: taken })), "addressTaken");
    assert.equal(world.get(2).temporaryAddress, ip("10.9.0.7"));
  });

  test("an address that another DHCP server reassigns leaves the former machine", () => {
    const world = testFleet();
    world.all(asked(1), { kind: "addressSeen", id: id(1), address: ip("10.9.0.7") });
    world.all(asked(2), { kind: "addressSeen", id: id(2), address: ip("10.9.0.7") });
    assert.deepEqual([world.get(1).temporaryAddress, world.get(2).temporaryAddress], [undefined, ip("10.9.0.7")]);
    assert.deepEqual(checkFleet(world.list()), []);
  });

  test("the whole birth leaves a timeline, a healthy machine and no session after the first poll of the agent", () => {
    const world = testFleet();
    world.all(
      asked(1, { address: ip("10.77.0.50") }),
      { kind: "phaseSeen", id: id(1), phase: "loaderSent", durationMs: 5 },
      asked(1, { stage: "loader", answer: "script" }),
      { kind: "phaseSeen", id: id(1), phase: "kernelSent" },
      issued(1),
      taken(1),
      { kind: "hardwareScanned", id: id(1), hardware: hardware(mac(1)) },
      burnIn(1, "passed"),
      { kind: "placed", id: id(1), placement: place(1) },
      { kind: "phaseSeen", id: id(1), phase: "populated" },
      healthy(1, 1),
      { kind: "phaseSeen", id: id(1), phase: "handedOver" },
      { kind: "subSeen", id: id(1) },
      { kind: "phaseSeen", id: id(1), phase: "fetching" },
      { kind: "phaseSeen", id: id(1), phase: "rebooting" },
      asked(1, { answer: "local" }),
      { kind: "subSeen", id: id(1), runningImage: "compute" },
    );
    const machine = world.get(1);
    assert.deepEqual(
      machine.timeline.map(({ phase }) => phase),
      ["offered", "loaderSent", "kernelSent", "initUp", "populated", "handedOver", "fetching", "rebooting", "up"],
    );
    assert.equal(machine.state, "healthy");
    assert.equal(machine.order, undefined);
    assert.equal(machine.temporaryAddress, undefined);
    assert.equal(machine.pxe.requests, 3);
  });

  const tokens: [string, MachineEvent[], MachineEvent, Refusal["kind"]][] = [
    ["unknown token", [asked(1), issued(1)], taken(1, "guess"), "unknownToken"],
    [
      "a token that a newer script replaced",
      [asked(1), issued(1, "old"), issued(1, "new")],
      taken(1, "old"),
      "unknownToken",
    ],
    ["token of another machine", [asked(1), asked(2), issued(1)], taken(1, "token1", "boot", 2), "foreignToken"],
    ["token used by another boot", [asked(1), issued(1), taken(1)], taken(1, "token1", "boot2"), "usedToken"],
    ["expired token", [asked(1), issued(1, "token1", 1020)], taken(1), "expiredToken"],
    ["healthy machine with an old token", [asked(1), issued(1), taken(1), healthy(1, 1)], taken(1), "staleOrder"],
    [
      "healthy machine with an image asks for an order",
      [asked(1), issued(1), taken(1), healthy(1, 1), { kind: "subSeen", id: id(1), runningImage: "compute" }],
      issued(1),
      "staleOrder",
    ],
    [
      "order of the birth for a machine that is to resume",
      [asked(1), issued(1), taken(1), healthy(1, 1), asked(1), issued(1, "resume"), taken(1, "resume")],
      healthy(1, 1),
      "staleOrder",
    ],
    ["machine that nobody knows", [], taken(1), "noSuchMachine"],
    [
      "machine on hold",
      [asked(1), { kind: "conditionSet", id: id(1), condition: "hold", reason: "disk swap" }],
      issued(1),
      "held",
    ],
    [
      "token of the generation before",
      [asked(1), issued(1), taken(1), healthy(1, 1), { kind: "rebirthAsked", id: id(1), by: "op" }],
      taken(1),
      "staleOrder",
    ],
  ];
  for (const [title, before, event, kind] of tokens) {
    test(`no order: ${title}`, () => {
      const world = testFleet();
      world.all(...before);
      const records = JSON.stringify(world.list());
      assert.equal(refusal(world.apply(event)), kind);
      assert.equal(JSON.stringify(world.list()), records, "the refusal changed nothing");
    });
  }

  test("the same boot may take its order again, and gets a new session", () => {
    const world = testFleet();
    world.all(asked(1), issued(1), taken(1));
    world.all({ ...taken(1), sessionHash: "newer" } as MachineEvent);
    assert.equal(world.get(1).order?.taken?.sessionHash, "newer");
  });

  test("healthy is refused without a taken order, for another generation, and after hand-over", () => {
    const world = testFleet();
    world.all(asked(1), issued(1));
    assert.equal(refusal(world.apply(healthy(1, 1))), "staleOrder");
    world.all(taken(1));
    assert.equal(refusal(world.apply(healthy(1, 2))), "staleOrder");
    world.all(healthy(1, 1), healthy(1, 1)); // the second is a retry whose answer was lost
    world.all({ kind: "phaseSeen", id: id(1), phase: "handedOver" });
    assert.equal(refusal(world.apply(healthy(1, 1))), "staleOrder");
  });

  for (const [kind, unit] of [
    ["nameTaken", 1],
    ["addressTaken", 2],
  ] as const) {
    test(`${kind}: the newcomer gets a conflict that names both; the holder does not change`, () => {
      const world = born(1);
      const holder = JSON.stringify(world.get(1));
      world.all(asked(2), issued(2), taken(2));
      const event = healthy(2, 1, unit) as Extract<MachineEvent, { kind: "becameHealthy" }>;
      assert.equal(
        refusal(world.apply({ ...event, placement: { ...event.placement, address: place(1).address } })),
        kind,
      );
      const [condition] = world.get(2).conditions;
      assert.equal(condition?.kind, "conflict");
      assert.match(condition?.reason ?? "", new RegExp(`${id(2)}.*${id(1)}`));
      assert.equal(JSON.stringify(world.get(1)), holder);
      assert.equal(world.get(2).state, "birth");
      world.all(healthy(2, 1, 3)); // cabled rightly, the next attempt goes through
      assert.deepEqual(world.get(2).conditions, []);
    });
  }

  test("a taken slot stops the newcomer at its report, before it writes", () => {
    const world = born(1);
    world.all(asked(2), issued(2), taken(2));
    assert.equal(refusal(world.apply({ kind: "placed", id: id(2), placement: place(1) })), "nameTaken");
    assert.equal(world.get(2).conditions[0]?.kind, "conflict");
  });

  test("two machines are not offered one temporary address", () => {
    const world = testFleet();
    world.all(asked(1, { address: ip("10.77.0.50") }));
    assert.equal(refusal(world.apply(asked(2, { address: ip("10.77.0.50") }))), "addressTaken");
    assert.equal(world.get(2).pxe.requests, 1, "the request is counted all the same");
    world.all(asked(2, { address: ip("10.77.0.51") }));
  });

  test("a failed step shows as failing until the machine is healthy", () => {
    const world = testFleet();
    world.all(asked(1), issued(1), taken(1), { kind: "failed", id: id(1), step: "partition", reason: "no disk" });
    assert.equal(world.get(1).conditions[0]?.reason, "partition: no disk");
    world.all(asked(1), issued(1, "again"), taken(1, "again"), healthy(1, 1));
    assert.deepEqual(world.get(1).conditions, []);
  });

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

  test("a hold stops a running birth at its last report before the disks are written", () => {
    const world = testFleet();
    world.all(asked(1), issued(1), taken(1), {
      kind: "conditionSet",
      id: id(1),
      condition: "hold",
      reason: "disk swap",
    });
    assert.equal(refusal(world.apply({ kind: "placed", id: id(1), placement: place(1) })), "held");
    assert.equal(world.get(1).placement, undefined);
    world.all({ kind: "conditionCleared", id: id(1), condition: "hold" });
    world.all({ kind: "placed", id: id(1), placement: place(1) });
  });

  for (const kind of ["rebirthAsked", "cleanAsked"] as const) {
    const cancelled: MachineEvent = { kind: "rebirthCancelled", id: id(1), by: "op" };
    const up: MachineEvent = { kind: "subSeen", id: id(1), runningImage: "compute" };

    test(`${kind} can be cancelled: everything but the generation is restored`, () => {
      const world = born(1);
      world.all(up);
      const { state, phase, timeline, generation, wayBack } = world.get(1);
      world.all({ kind, id: id(1), by: "op" }, { kind: "rebirthAsked", id: id(1), by: "op" }, cancelled);
      const after = world.get(1);
      assert.deepEqual(
        [after.state, after.phase, after.timeline, after.wayBack, after.generation],
        [state, phase, timeline, wayBack, generation + 2],
      );
      assert.equal(refusal(world.apply(cancelled)), "wrongState");
    });

    test(`${kind} can be cancelled after its boot script was sent, which becomes invalid`, () => {
      const world = born(1);
      world.all(up, { kind, id: id(1), by: "op" }, asked(1), issued(1, "again"));
      world.all({ kind: "phaseSeen", id: id(1), phase: "kernelSent" }, cancelled);
      assert.deepEqual([world.get(1).state, world.get(1).phase], ["healthy", "rebooting"]);
      assert.equal(refusal(world.apply(taken(1, "again"))), "staleOrder");
      assert.equal(refusal(world.apply(healthy(1, 2))), "staleOrder");
    });

    test(`${kind} cannot be cancelled once its order is taken, whatever boots follow`, () => {
      const world = born(1);
      world.all(up, { kind, id: id(1), by: "op" }, asked(1), issued(1, "again"), taken(1, "again"));
      assert.equal(refusal(world.apply(cancelled)), "wrongState");
      world.all(asked(1), issued(1, "third"), { kind, id: id(1), by: "op" });
      assert.equal(refusal(world.apply(cancelled)), "wrongState");
    });
  }

  test("a failed burn-in means debug until a burn-in passes; a clean would skip it and is refused", () => {
    const world = testFleet();
    world.all(asked(1), issued(1), taken(1), burnIn(1, "failed"), healthy(1, 1));
    assert.match(world.get(1).conditions[0]?.reason ?? "", /disk of \/dev\/vda: wrong bytes/);
    assert.equal(refusal(world.apply({ kind: "cleanAsked", id: id(1), by: "op" })), "wrongState");
    world.all(
      { kind: "rebirthAsked", id: id(1), by: "op" },
      asked(1),
      issued(1, "r"),
      taken(1, "r"),
      burnIn(1, "passed"),
    );
    assert.deepEqual(world.get(1).conditions, []);
  });

  test("a rebirth keeps name and address, starts a generation and empties the timeline; the old agent does not make it `up`", () => {
    const world = born(1);
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute" }, { kind: "rebirthAsked", id: id(1), by: "op" });
    world.later(60_000);
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
    const machine = world.get(1);
    assert.deepEqual(
      [machine.state, machine.generation, machine.phase, machine.timeline.length],
      ["rebirth", 2, undefined, 0],
    );
    assert.deepEqual([machine.hostname, machine.permanentAddress], ["r01u01", ip("10.77.1.61")]);
  });

  test("a machine with two NICs is one machine: both identify it, and the record of its other NIC is absorbed", () => {
    const world = testFleet();
    world.all(asked(2), asked(1), issued(1), taken(1), {
      kind: "hardwareScanned",
      id: id(1),
      hardware: hardware(mac(1), mac(2), mac(3)),
    });
    assert.deepEqual(
      world.list().map((machine) => machine.macs),
      [[mac(1), mac(2), mac(3)]],
    );
    world.all(healthy(1, 1), asked(2), asked(3));
    assert.deepEqual(
      world.list().map((machine) => machine.state),
      ["healthy"],
    );
  });

  test("a healthy machine that boots from an unknown NIC is recognised by the scan and not installed", () => {
    const world = born(1);
    world.all(asked(2), issued(2), taken(2));
    const scan: MachineEvent = { kind: "hardwareScanned", id: id(2), hardware: hardware(mac(2), mac(1)) };
    assert.equal(refusal(world.apply(scan)), "macTaken");
    assert.equal(world.get(2).conditions[0]?.kind, "conflict");
  });

  test("a poll without new facts writes nothing", () => {
    const world = born(1);
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
    const before = world.get(1);
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
    assert.equal(world.get(1), before);
  });
});

const machineNumber = fc.integer({ min: 1, max: 4 });
const token = fc.constantFrom("a", "b", "c");
const networkEvent: fc.Arbitrary<MachineEvent> = fc.oneof(
  fc
    .record({
      n: machineNumber,
      nursery: fc.boolean(),
      stage: fc.constantFrom("firmware", "loader"),
      last: fc.integer({ min: 1, max: 6 }),
    })
    .map(({ n, nursery, stage, last }) => asked(n, { nursery, stage, address: ip(`10.77.0.${last}`) })),
  fc.tuple(machineNumber, token).map(([n, text]) => issued(n, text)),
  fc
    .tuple(machineNumber, token, fc.constantFrom("boot1", "boot2"), machineNumber)
    .map(([n, text, boot, by]) => taken(n, text, boot, by)),
  fc
    .tuple(machineNumber, fc.integer({ min: 0, max: 4 }), machineNumber)
    .map(([n, generation, unit]) => healthy(n, generation, unit)),
  fc
    .tuple(machineNumber, fc.subarray([1, 2, 3, 4]))
    .map(([n, nics]): MachineEvent => ({ kind: "hardwareScanned", id: id(n), hardware: hardware(...nics.map(mac)) })),
  fc
    .tuple(machineNumber, machineNumber)
    .map(([n, unit]): MachineEvent => ({ kind: "placed", id: id(n), placement: place(unit) })),
  fc.tuple(machineNumber, fc.constantFrom("passed", "failed", "skipped")).map(([n, verdict]) => burnIn(n, verdict)),
  machineNumber.map((n): MachineEvent => ({ kind: "subSeen", id: id(n), runningImage: "compute" })),
  machineNumber.map((n): MachineEvent => ({ kind: "stalled", id: id(n), reason: "r" })),
  machineNumber.map((n): MachineEvent => ({ kind: "resumed", id: id(n) })),
  machineNumber.map((n): MachineEvent => ({ kind: "failed", id: id(n), step: "s", reason: "r" })),
  fc
    .tuple(machineNumber, fc.constantFrom("offered", "kernelSent", "populated", "handedOver", "up"))
    .map(([n, phase]): MachineEvent => ({ kind: "phaseSeen", id: id(n), phase })),
);
const operatorEvent: fc.Arbitrary<MachineEvent> = fc.oneof(
  machineNumber.map((n): MachineEvent => ({ kind: "rebirthAsked", id: id(n), by: "op" })),
  machineNumber.map((n): MachineEvent => ({ kind: "cleanAsked", id: id(n), by: "op" })),
  machineNumber.map((n): MachineEvent => ({ kind: "rebirthCancelled", id: id(n), by: "op" })),
  machineNumber.map((n): MachineEvent => ({ kind: "conditionSet", id: id(n), condition: "hold", reason: "r" })),
  machineNumber.map((n): MachineEvent => ({ kind: "conditionCleared", id: id(n), condition: "hold" })),
);

/** Births that go through, woven into the noise: pure noise seldom reaches `healthy`. */
const birthOf = (n: number, generation: number): MachineEvent[] => [
  asked(n),
  issued(n, "a"),
  taken(n, "a", "boot1"),
  healthy(n, generation),
];
const noise = (event: fc.Arbitrary<MachineEvent>) =>
  fc
    .array(
      fc.oneof(
        { weight: 6, arbitrary: event.map((one) => [one]) },
        {
          weight: 1,
          arbitrary: fc.tuple(machineNumber, fc.integer({ min: 1, max: 4 })).map(([n, g]) => birthOf(n, g)),
        },
      ),
      { maxLength: 60 },
    )
    .map((groups) => groups.flat());

describe("what no sequence of events can do", () => {
  test("the network alone never gets an order to install a healthy machine, and none at all once its system ran", () => {
    fc.assert(
      fc.property(noise(networkEvent), (events) => {
        const world = testFleet();
        const wasHealthy = new Set<MachineId>();
        const ran = new Set<MachineId>();
        for (const event of events) {
          const decision = world.apply(event);
          if ((event.kind === "orderIssued" || event.kind === "orderTaken") && decision.kind === "changed") {
            const { id: ordered, order } = decision.machine;
            const resumes = order?.action === "resume" && !ran.has(ordered);
            assert.ok(resumes || !wasHealthy.has(ordered), `${event.kind} for a machine that was healthy`);
          }
          if (event.kind === "subSeen" && event.runningImage !== undefined && decision.kind === "changed")
            ran.add(decision.machine.id);
          for (const machine of world.list()) if (machine.state === "healthy") wasHealthy.add(machine.id);
          for (const before of wasHealthy) {
            assert.equal(world.list().find((machine) => machine.id === before)?.state, "healthy");
          }
        }
      }),
      { numRuns: runs(400) },
    );
  });

  test("no name, address or NIC is held twice, and no fleet becomes inconsistent", () => {
    fc.assert(
      fc.property(
        noise(fc.oneof({ weight: 5, arbitrary: networkEvent }, { weight: 1, arbitrary: operatorEvent })),
        (events) => {
          const world = testFleet();
          for (const event of events) world.apply(event);
          assert.deepEqual(checkFleet(world.list()), []);
        },
      ),
      { numRuns: runs(400) },
    );
  });

  test("a machine whose order was taken becomes healthy only by its own request, never by a cancel", () => {
    fc.assert(
      fc.property(
        noise(fc.oneof({ weight: 3, arbitrary: networkEvent }, { weight: 2, arbitrary: operatorEvent })),
        (events) => {
          const world = testFleet();
          const begun = new Set<MachineId>();
          for (const event of events) {
            const decision = world.apply(event);
            if (decision.kind !== "changed") continue;
            const { id: changed, state, order } = decision.machine;
            if (event.kind === "orderTaken" && order?.action !== "resume") begun.add(changed);
            if (event.kind === "becameHealthy") begun.delete(changed);
            assert.ok(!(begun.has(changed) && state === "healthy"), `${event.kind} made ${changed} healthy`);
          }
        },
      ),
      { numRuns: runs(400) },
    );
  });

  test("a generation is installed at most once, and revisions only grow", () => {
    fc.assert(
      fc.property(
        noise(fc.oneof({ weight: 4, arbitrary: networkEvent }, { weight: 1, arbitrary: operatorEvent })),
        (events) => {
          const world = testFleet();
          const installed = new Set<string>();
          for (const event of events) {
            const before = "id" in event ? world.list().find((machine) => machine.id === event.id) : undefined;
            const decision = world.apply(event);
            const { machine } = decision;
            if (before !== undefined && machine !== undefined && machine !== before) {
              assert.equal(machine.revision, before.revision + 1);
              assert.ok(machine.generation >= before.generation);
            }
            if (machine?.state !== "healthy" || before === undefined || before.state === "healthy") continue;
            if (event.kind === "rebirthCancelled") continue;
            const life = `${machine.id} ${machine.generation}`;
            assert.ok(!installed.has(life), `${life} was installed twice`);
            installed.add(life);
          }
        },
      ),
      { numRuns: runs(400) },
    );
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
