import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { macOf } from "../../net/testing/addresses.ts";
import type { MachineEvent } from "../event.ts";
import type { Machine } from "../record.ts";
import { testMachine } from "../testing/test-machine.ts";
import { machineIdFromMac } from "./move.ts";
import { decide } from "./table.ts";

const start = 10_000_000;
const id = machineIdFromMac(macOf("02:00:00:00:00:01"));
const up = testMachine("healthy", {
  ...{ id, hostname: "r01u01", phase: "up", phaseAtMs: 1000, lastSeenAtMs: start, runningImage: "compute/1" },
  ...{ requiredImage: "compute/1", ownSystem: true },
});
const asked = { kind: "rebootAsked", id, by: "olga", atOnce: 10, perRack: 2 } as const;
const sent = (boot: string) => ({ kind: "rebootSent", id, boot }) as const;
const polls = (boot: string) =>
  ({ kind: "subSeen", id, fromDisk: true, runningImage: "compute/1", upToDate: true, boot }) as const;

function decideAt(machine: Machine, event: MachineEvent, nowMs: number) {
  const nobody = () => undefined;
  return decide(machine, event, {
    ...{ nowMs, byId: nobody, macHolder: nobody, nameHolder: nobody, addressHolder: nobody, announcedAt: nobody },
    ...{ machinesWith: () => 0, imageFor: (wanted) => wanted },
  });
}
/** The machine after events, each a second after the one before. */
function after(machine: Machine, ...events: MachineEvent[]): Machine {
  let now = machine;
  for (const [at, event] of events.entries()) {
    const decision = decideAt(now, event, start + at * 1000);
    assert.equal(decision.kind, "changed", JSON.stringify(decision));
    now = decision.machine ?? assert.fail();
  }
  return now;
}
const refusalOf = (machine: Machine, event: MachineEvent = asked, nowMs = start) => {
  const decision = decideAt(machine, event, nowMs);
  return decision.kind === "refused" ? decision.refusal.message : "accepted";
};

describe("a restart through the agent", () => {
  test("it is asked for, the agent is told once, and the first poll of another boot ends it", () => {
    const waiting = after(up, asked);
    assert.equal(waiting.phase, "up");
    const ordered = after(waiting, sent("aaaaaaaa"));
    assert.deepEqual([ordered.phase, ordered.reboot?.sent?.boot], ["rebooting", "aaaaaaaa"]);
    assert.match(refusalOf(ordered, sent("aaaaaaaa")), /none that is due/);
    const stillThere = after(ordered, polls("aaaaaaaa"));
    assert.equal(stillThere.reboot?.sent?.boot, "aaaaaaaa");
    const back = after(ordered, polls("bbbbbbbb"));
    assert.deepEqual([back.phase, back.reboot], ["up", undefined]);
  });

  test("an agent that still polls from the same boot after ten minutes is told again", () => {
    const ordered = after(up, asked, sent("aaaaaaaa"));
    assert.equal(refusalOf(ordered, sent("aaaaaaaa"), start + 700_000), "accepted");
  });

  test("it is refused where no agent answers, where it is at work, on hold, and where none runs", () => {
    const held = after(up, { kind: "conditionSet", id, condition: "hold", reason: "disk swap" });
    assert.match(refusalOf(held), /on hold/);
    assert.match(refusalOf(up, asked, start + 180_000), /last heard 3 min ago/);
    assert.match(refusalOf({ ...up, phase: "updating" }), /found phase updating/);
    assert.match(refusalOf(testMachine("birth", { id })), /no agent runs on it/);
    assert.match(refusalOf(testMachine("unknown", { id })), /no agent runs on it/);
    const heldLater = after(up, asked, { kind: "conditionSet", id, condition: "hold", reason: "x" });
    assert.match(refusalOf(heldLater, sent("aaaaaaaa")), /none that is due/);
  });

  test("with a rebirth: the agent is told in state rebirth, and the order that init takes ends it", () => {
    const rebirth = { kind: "rebirthAsked", id, by: "olga", reboot: { atOnce: 5, perRack: 1 } } as const;
    const reborn = after(up, rebirth);
    assert.deepEqual([reborn.state, reborn.reboot?.atOnce], ["rebirth", 5]);
    const ordered = after(reborn, sent("aaaaaaaa"));
    assert.equal(ordered.reboot?.sent?.boot, "aaaaaaaa");
    const issued = { kind: "orderIssued", id, tokenHash: "t", expiresAtMs: start + 60_000 } as const;
    const mac = ordered.macs[0] ?? assert.fail();
    const taken = { kind: "orderTaken", id, mac, tokenHash: "t", bootId: "b", sessionHash: "s" } as const;
    const begun = after(ordered, issued, taken);
    assert.equal(begun.reboot, undefined);
    assert.match(refusalOf(begun), /whose rebirth has begun/);
    assert.match(refusalOf(up, rebirth, start + 180_000), /last heard 3 min ago/);
    const cancelled = after(reborn, { kind: "rebirthCancelled", id, by: "olga" });
    assert.deepEqual([cancelled.state, cancelled.reboot], ["healthy", undefined]);
    assert.equal(after(up, asked, { kind: "rebirthAsked", id, by: "olga" }).reboot, undefined);
  });

  test("cancel ends a restart that waits; without one it is refused", () => {
    const cancel = { kind: "rebirthCancelled", id, by: "olga" } as const;
    assert.equal(after(up, asked, cancel).reboot, undefined);
    assert.match(refusalOf(up, cancel), /no rebirth or clean is pending/);
  });
});
