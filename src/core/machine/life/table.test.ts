import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { noAddress } from "../../net/ipv4.ts";
import { ip } from "../../net/testing/addresses.ts";
import { checkFleet } from "../check.ts";
import type { Decision, MachineEvent, Refusal } from "../event.ts";
import {
  asked,
  birthOf,
  burnIn,
  hardware,
  healthy,
  id,
  issued,
  mac,
  place,
  taken,
  testFleet,
} from "../testing/test-fleet.ts";

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
