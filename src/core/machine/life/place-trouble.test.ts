import assert from "node:assert/strict";
import { test } from "node:test";
import { neighbourBy } from "../../lldp/neighbour.ts";
import type { Placement } from "../../site/placement.ts";
import { defaultDeadlineSeconds } from "../health/deadlines.ts";
import { why } from "../health/waiting-for.ts";
import type { Machine } from "../record.ts";
import { asked, hardware, id, issued, mac, place, taken, testFleet } from "../testing/test-fleet.ts";

const order = (generation: number, action: "birth" | "rebirth") => ({ generation, action });

/** Machine 1 is installed in slot 1 and in a rebirth whose order its init has taken. */
function inRebirth() {
  const world = testFleet().born(1);
  world.all({ kind: "rebirthAsked", id: id(1), by: "alice" }, asked(1), issued(1, "r"), taken(1, "r"));
  return world;
}

/** What its record names, and what `why` advises. */
function said(machine: Machine): { readonly trouble: unknown; readonly reason: string; readonly advice: string } {
  const condition = machine.conditions.find(({ trouble }) => trouble !== undefined);
  const { missing = "", next } = why(machine, { nowMs: 5000, deadlineSeconds: defaultDeadlineSeconds });
  return { trouble: condition?.trouble, reason: condition?.reason ?? "", advice: `${missing}; ${next}` };
}

test("a cable in another port: cableMoved, with the port of the record and the one that is heard", () => {
  const world = inRebirth();
  world.apply({ kind: "placed", id: id(1), placement: place(4), order: order(2, "rebirth") });
  const { trouble, reason, advice } = said(world.get(1));
  assert.equal(trouble, "cableMoved");
  assert.match(reason, /expected tor-1 swp1, where it was installed, found tor-1 swp4, the slot of r01u04/);
  assert.match(advice, /cable was moved; move the cable back, .*birther rebirth r01u01 --moved/);
});

test("the same port of a switch with another name that a rule knows: switchRenamed, with both names", () => {
  const world = inRebirth();
  const placement: Placement = { ...place(1), switchName: "tor-9", hostname: "r09u01", address: place(9).address };
  world.apply({ kind: "placed", id: id(1), placement, order: order(2, "rebirth") });
  const { trouble, reason, advice } = said(world.get(1));
  assert.equal(trouble, "switchRenamed");
  assert.match(reason, /expected tor-1 swp1, .*found tor-9 swp1, the slot of r09u01: the port is the same/);
  assert.match(advice, /the switch has another name; add a placement rule for the new name/);
});

test("the same port of a switch whose new name no rule knows: switchRenamed on failing, until it is placed", () => {
  const world = inRebirth();
  const fields = { portIdKind: "interfaceName", portDescription: "" } as const;
  const receive = (switchName: string, port: string) => {
    const neighbours = [neighbourBy(switchName, { ...fields, portId: port })];
    const heard = { kind: "unplaced", reason: "none of the rules matches" } as const;
    world.all({ kind: "neighboursSeen", id: id(1), neighbours, heard, order: order(2, "rebirth") });
    const failed = { kind: "failed", id: id(1), step: "compute the place", reason: heard.reason } as const;
    world.all({ ...failed, order: order(2, "rebirth") });
    return said(world.get(1));
  };
  assert.equal(receive("core-9", "eth1").trouble, undefined);
  const { trouble, reason, advice } = receive("leaf-1", "swp1");
  assert.equal(trouble, "switchRenamed");
  assert.match(reason, /none of the rules matches; it was placed at tor-1 swp1 before, and now hears leaf-1 swp1/);
  assert.match(advice, /add a placement rule for the new name/);
});

test("a slot that another machine holds: slotClaimedTwice on the newcomer, with both machines and both ports", () => {
  const world = testFleet().born(1);
  world.all(asked(2), issued(2), taken(2));
  world.apply({ kind: "placed", id: id(2), placement: place(1), order: order(1, "birth") });
  const { trouble, reason, advice } = said(world.get(2));
  assert.equal(trouble, "slotClaimedTwice");
  assert.match(
    reason,
    /m-020000000002 \(at tor-1 swp1\) claims the name r01u01, which m-020000000001 \(at tor-1 swp1\) holds/,
  );
  assert.match(advice, /another machine holds or awaits it; compare the cabling of both machines/);
  assert.deepEqual(world.get(1).conditions, []);
});

test("a NIC that identifies another machine: nicMoved, with both machines", () => {
  const world = testFleet().born(1);
  world.all(asked(2), issued(2), taken(2));
  world.apply({ kind: "hardwareScanned", id: id(2), hardware: hardware(mac(2), mac(1)), order: order(1, "birth") });
  const { trouble, reason, advice } = said(world.get(2));
  assert.equal(trouble, "nicMoved");
  assert.match(reason, /m-020000000002 has the NIC that identifies r01u01 \(m-020000000001, healthy\)/);
  assert.match(advice, /a NIC that identifies another machine was moved into it/);
});
