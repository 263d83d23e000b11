import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Hardware } from "../hardware/hardware.ts";
import { ip, prefix } from "../net/testing/addresses.ts";
import { testNetworkOfOnePart } from "../network/testing/test-network.ts";
import { intentFor } from "../pxe/answer.ts";
import { chooseBinding } from "../pxe/binding.ts";
import type { Decision, MachineEvent } from "./event.ts";
import { isIdentifying, sharedParts } from "./evidence.ts";
import { asked, hardware, healthy, id, issued, mac, place, taken, testFleet } from "./testing/test-fleet.ts";

const scanned = (n: number, nics: readonly number[], more: Partial<Hardware> = {}): MachineEvent => ({
  kind: "hardwareScanned",
  id: id(n),
  hardware: { ...hardware(...nics.map(mac)), ...more },
});
const placed = (n: number, unit = n): MachineEvent => ({ kind: "placed", id: id(n), placement: place(unit) });
const rebirth = (n: number, mayMove = false): MachineEvent => {
  return { kind: "rebirthAsked", id: id(n), by: "op", ...(mayMove ? { mayMove } : {}) };
};
const refusal = (decision: Decision) => (decision.kind === "refused" ? decision.refusal.kind : decision.kind);
const reason = (n: number, world: ReturnType<typeof testFleet>) => world.get(n).conditions[0]?.reason ?? "";
/** The n-th machine is born with these NICs. */
const bornWith = (world: ReturnType<typeof testFleet>, n: number, ...nics: number[]) => {
  world.all(asked(n), issued(n), taken(n), scanned(n, nics), placed(n), healthy(n, 1));
  return world;
};

describe("strings of the board are evidence, never a key", () => {
  const rows: readonly (readonly [text: string, telling: boolean])[] = [
    ...["", "0", "To be filled by O.E.M.", "to be filled by o.e.m.", "Default string", "System Serial Number"].map(
      nothing,
    ),
    ...["00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "xxxxxxxx"].map(nothing),
    ...["03000200-0400-0500-0006-000700080009", "Not Specified", "0123456789", " N/A ", "...."].map(nothing),
    ...["NotApplicable", "ToBeFilledByO.E.M.", "0123456789ABCDEF", "00020003-0004-0005-0006-000700080009"].map(nothing),
    ...["1234567890", "Chassis Serial Number", "No Asset Tag", "01234567-89ab-cdef-0123-456789abcdef"].map(nothing),
    ["CZ3212M7Q4", true],
    ["4c4c4544-0038-4210-8051-b4c04f503533", true],
  ];
  function nothing(text: string): [string, boolean] {
    return [text, false];
  }
  for (const [text, telling] of rows)
    test(`"${text}" ${telling ? "identifies a board" : "is a placeholder"}`, () =>
      assert.equal(isIdentifying(text), telling));

  for (const uuid of ["00000000-0000-0000-0000-000000000000", "4c4c4544-0038-4210-8051-b4c04f503533"])
    test(`two machines with the UUID ${uuid} are two machines`, () => {
      const world = testFleet();
      const smbios = { vendor: "V", product: "P", serial: "To be filled by O.E.M.", uuid };
      for (const n of [1, 2])
        world.all(asked(n), issued(n), taken(n), scanned(n, [n], { smbios }), placed(n), healthy(n, 1));
      assert.deepEqual([world.list().length, world.get(2).hostname], [2, "r01u02"]);
      const shared = sharedParts(world.get(1), world.get(2), () => 2);
      assert.deepEqual(shared, isIdentifying(uuid) ? [`the UUID ${uuid}`] : []);
    });

  test("what three machines share is no evidence, whatever it looks like", () => {
    const world = testFleet();
    const smbios = { vendor: "V", product: "P", serial: "CZ3212M7Q4", uuid: "4c4c4544-0038-4210-8051-b4c04f503533" };
    const arrives = (n: number, unit: number) => {
      world.all(asked(n), issued(n), taken(n), scanned(n, [n], { smbios }));
      return refusal(world.apply(placed(n, unit)));
    };
    assert.equal(arrives(1, 1), "changed");
    world.all(healthy(1, 1));
    assert.equal(arrives(2, 1), "nameTaken");
    assert.match(reason(2, world), /both have the serial number CZ3212M7Q4, the UUID 4c4c4544-.* was swapped/);
    assert.deepEqual([arrives(3, 3), refusal(world.apply(placed(2, 1)))], ["changed", "nameTaken"]);
    assert.doesNotMatch(reason(2, world), /both have/);
  });
});

describe("a NIC of two machines", () => {
  const network = testNetworkOfOnePart({ prefix: prefix("10.77.0.0/16") });

  /** Machine 1 has NICs 1 and 3; 3 is moved to machine 2, which is born with it. */
  const moved = () => bornWith(bornWith(testFleet(), 1, 1, 3), 2, 2, 3);

  test("stays with its first holder, as a disputed one; the newcomer is still born", () => {
    const world = moved();
    assert.deepEqual([world.get(1).macs, world.get(1).disputedMacs], [[mac(1), mac(3)], [mac(3)]]);
    assert.deepEqual([world.get(2).macs, world.get(2).state], [[mac(2)], "healthy"]);
  });

  test("gets no address of its holder, and is sent to its disk whatever the holder is due for", () => {
    const world = moved();
    const bind = (n: number) =>
      chooseBinding({
        network,
        mac: mac(n),
        machine: world.get(1),
        holderOf: () => undefined,
        message: { kind: "discover" } as never,
      });
    const own = bind(1);
    assert.equal(own.kind === "bound" && own.temporary, false, "by its own NIC it gets its permanent address");
    const foreign = bind(3);
    assert.equal(foreign.kind === "bound" && foreign.temporary, true, "by the disputed one a temporary");
    world.all(rebirth(1));
    assert.deepEqual(
      [1, 3].map((n) => intentFor(world.get(1), network, mac(n))),
      ["install", "local"],
    );
    world.all(asked(3, { answer: "local" }));
    assert.deepEqual([world.get(1).phase, world.get(1).temporaryAddress], [undefined, undefined], "no attempt begins");
    world.all(issued(1, "r"));
    assert.equal(refusal(world.apply(taken(1, "r", "boot", 3))), "foreignToken");
  });

  test("counts no start of its holder", () => {
    const world = moved();
    world.all({ kind: "subSeen", id: id(1), runningImage: "compute" });
    for (let boots = 0; boots < 5; boots += 1) {
      world.later(60_000);
      world.all(asked(3, { answer: "local" }));
    }
    assert.deepEqual([world.get(1).phase, world.get(1).conditions], ["up", []]);
  });

  test("is assigned to its current machine by an operator", () => {
    const world = moved();
    world.all({ kind: "detailsSet", id: id(2), by: "op", details: { macs: [mac(2), mac(3)] } });
    assert.deepEqual([world.get(1).macs, world.get(1).disputedMacs], [[mac(1)], undefined]);
    assert.deepEqual([world.get(2).macs, world.get(2).disputedMacs], [[mac(2), mac(3)], undefined]);
  });

  test("on USB identifies nothing: adapters move, and management controllers share one address", () => {
    const world = bornWith(testFleet(), 1, 1);
    const usb = (n: number) => ({
      ...(hardware(mac(n)).nics[0] ?? assert.fail()),
      path: "pci0000:00/0000:00:14.0/usb1/1-4",
    });
    for (const n of [2, 3]) {
      const nics = [...hardware(mac(n)).nics, usb(9), usb(1)];
      world.all(asked(n), issued(n), taken(n), scanned(n, [], { nics }), placed(n), healthy(n, 1));
      assert.deepEqual(world.get(n).macs, [mac(n)]);
    }
    assert.equal(world.get(1).disputedMacs, undefined);
  });

  test("that identifies another machine: it is that machine, booted from another NIC, and is not installed", () => {
    const world = bornWith(testFleet(), 1, 1);
    world.all(asked(2), issued(2), taken(2));
    assert.equal(refusal(world.apply(scanned(2, [2, 1]))), "macTaken");
    assert.match(reason(2, world), /r01u01.*boot r01u01 from its own NIC/);
  });
});

describe("a machine that was moved", () => {
  test("keeps name and address without a rebirth, whatever it requests", () => {
    const world = testFleet().born(1);
    world.all(asked(1, { network: "other", answer: "local" }));
    assert.deepEqual([world.get(1).hostname, world.get(1).permanentAddress], ["r01u01", ip("10.77.1.61")]);
  });

  test("is not installed under another name by a rebirth: a conflict names both slots; --moved authorises it", () => {
    const world = testFleet().born(1);
    world.all(rebirth(1), asked(1), issued(1, "r"), taken(1, "r"));
    assert.equal(refusal(world.apply(placed(1, 4))), "otherPlace");
    assert.match(reason(1, world), /r01u01.*tor-1 swp1.*tor-1 swp4.*r01u04.*birther rebirth r01u01 --moved/);
    assert.equal(refusal(world.apply(healthy(1, 2, 4))), "otherPlace");
    world.all(rebirth(1, true), asked(1), issued(1, "s"), taken(1, "s"), placed(1, 4), healthy(1, 3, 4));
    assert.deepEqual([world.get(1).hostname, world.get(1).conditions, world.get(1).mayMove], ["r01u04", [], undefined]);
    world.all(rebirth(1), asked(1), issued(1, "t"), taken(1, "t"));
    assert.equal(refusal(world.apply(placed(1, 5))), "otherPlace", "authorised for one generation only");
  });

  test("to the slot of another machine is refused, authorised or not", () => {
    const world = testFleet().born(1).born(2);
    world.all(rebirth(1, true), asked(1), issued(1, "r"), taken(1, "r"));
    assert.equal(refusal(world.apply(placed(1, 2))), "nameTaken");
  });

  test("to another port of the same slot has not moved", () => {
    const world = testFleet().born(1);
    world.all(rebirth(1), asked(1), issued(1, "r"), taken(1, "r"));
    world.all({ kind: "placed", id: id(1), placement: { ...place(1), switchName: "tor-2" } });
  });

  test("by new placement rules, at the same port, gets the new name with its next rebirth", () => {
    const world = testFleet().born(1);
    world.all(rebirth(1), asked(1), issued(1, "r"), taken(1, "r"));
    world.all({ kind: "placed", id: id(1), placement: { ...place(1), hostname: "a1", address: ip("10.77.2.1") } });
  });
});
