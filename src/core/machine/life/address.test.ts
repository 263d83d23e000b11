import assert from "node:assert/strict";
import { test } from "node:test";
import { ip } from "../../net/testing/addresses.ts";
import type { MachineEvent } from "../event.ts";
import type { Machine, MachineId, Order } from "../record.ts";
import { hasVanished, vanishedAfterMs } from "../temporary-address.ts";
import { testMachine } from "../testing/test-machine.ts";
import { decide } from "./table.ts";

const id = "m-525400000001" as MachineId;
const temporaryAddress = ip("10.77.0.60");
const known = testMachine("birth", { temporaryAddress });
const taken: Order = {
  ...{ tokenHash: "", action: "birth", generation: 1, expiresAtMs: 0 },
  taken: { bootId: "", sessionHash: "", atMs: 0 },
};
const nobody = () => undefined;
const after = (machine: Machine, event: MachineEvent, nowMs: number) =>
  decide(machine, event, {
    nowMs,
    nameHolder: nobody,
    addressHolder: nobody,
    macHolder: nobody,
    announcedAt: nobody,
    byId: nobody,
    machinesWith: () => 0,
    imageFor: (wanted) => wanted,
  });

const rows: readonly (readonly [title: string, machine: Machine, vanished: boolean])[] = [
  ["offered an address and never heard again", known, true],
  ["sent a PXE request in the meantime", { ...known, pxe: { ...known.pxe, lastRequestAtMs: 1 } }, false],
  ["was heard of in the meantime", { ...known, lastSeenAtMs: 1 }, false],
  ["in the middle of its birth, however silent", { ...known, order: taken }, false],
  ["in the middle of a rebirth", testMachine("rebirth", { temporaryAddress, order: taken }), false],
  [
    "its birth has failed",
    { ...known, order: taken, conditions: [{ kind: "failing", reason: "place: no frame", sinceMs: 0 }] },
    true,
  ],
  ["its order is of an older life", { ...known, generation: 2, order: taken }, true],
  [
    "healthy, with a temporary address for want of another",
    testMachine("healthy", { temporaryAddress, order: taken }),
    true,
  ],
];
for (const [title, machine, vanished] of rows)
  test(`vanished or not: ${title}`, () => {
    assert.equal(hasVanished(machine, vanishedAfterMs), vanished);
    const decision = after(machine, { kind: "addressReturned", id, address: ip("10.77.0.60") }, vanishedAfterMs);
    assert.equal(decision.kind, vanished ? "changed" : "refused");
    if (vanished) assert.equal(decision.machine?.temporaryAddress, undefined);
  });

test("an address that the machine no longer has is not returned", () => {
  const decision = after(known, { kind: "addressReturned", id, address: ip("10.77.0.61") }, vanishedAfterMs);
  assert.equal(decision.kind, "refused");
});

test("a declined temporary address leaves the record; another machine's address changes nothing", () => {
  const declined = after(known, { kind: "addressDeclined", id, address: ip("10.77.0.60") }, 5);
  assert.deepEqual([declined.machine?.temporaryAddress, declined.machine?.conditions], [undefined, []]);
  assert.equal(after(known, { kind: "addressDeclined", id, address: ip("10.77.0.61") }, 5).machine, known);
});

test("a declined permanent address is a conflict, until the machine's agent is up", () => {
  const images = { requiredImage: "compute/1", runningImage: "compute/1" };
  const healthy = testMachine("healthy", { ...images, phase: "up", temporaryAddress });
  const { machine } = after(healthy, { kind: "addressDeclined", id, address: ip("10.77.1.71") }, 5);
  assert.deepEqual(
    machine?.conditions.map(({ kind, sinceMs }) => [kind, sinceMs]),
    [["conflict", 5]],
  );
  assert.match(machine?.conditions[0]?.reason ?? "", /10\.77\.1\.71.*r01u07/);
  const up = after(machine ?? healthy, { kind: "subSeen", id, runningImage: "compute/1" }, 6);
  assert.deepEqual(up.machine?.conditions, []);
});
