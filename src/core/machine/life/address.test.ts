import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mac } from "../../net/mac.ts";
import type { MachineEvent } from "../event.ts";
import type { Machine, MachineId } from "../record.ts";
import { hasVanished, vanishedAfterMs } from "../temporary-address.ts";
import { decide } from "./table.ts";

const id = "m-525400000001" as MachineId;
const known: Machine = {
  ...{ id, revision: 1, createdAtMs: 0, macs: ["52:54:00:00:00:01" as Mac], state: "birth", generation: 1 },
  ...{ conditions: [], lastSeenAtMs: 0, timeline: [], temporaryAddress: "10.77.0.60" },
  pxe: { requests: 1, responses: 1, lastRequestAtMs: 0, lastAnswer: "" },
};
const taken: Machine["order"] = {
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
  });

const rows: readonly (readonly [title: string, change: Partial<Machine>, vanished: boolean])[] = [
  ["offered an address and never heard again", {}, true],
  ["sent a PXE request in the meantime", { pxe: { ...known.pxe, lastRequestAtMs: 1 } }, false],
  ["was heard of in the meantime", { lastSeenAtMs: 1 }, false],
  ["in the middle of its birth, however silent", { order: taken }, false],
  ["in the middle of a rebirth", { state: "rebirth", order: taken }, false],
  [
    "its birth has failed",
    { order: taken, conditions: [{ kind: "failing", reason: "place: no frame", sinceMs: 0 }] },
    true,
  ],
  ["its order is of an older life", { generation: 2, order: taken }, true],
  ["healthy, with a temporary address for want of another", { state: "healthy", order: taken }, true],
];
for (const [title, change, vanished] of rows)
  test(`vanished or not: ${title}`, () => {
    const machine = { ...known, ...change };
    assert.equal(hasVanished(machine, vanishedAfterMs), vanished);
    const decision = after(machine, { kind: "addressReturned", id, address: "10.77.0.60" }, vanishedAfterMs);
    assert.equal(decision.kind, vanished ? "changed" : "refused");
    if (vanished) assert.equal(decision.machine?.temporaryAddress, undefined);
  });

test("an address that the machine no longer has is not returned", () => {
  const decision = after(known, { kind: "addressReturned", id, address: "10.77.0.61" }, vanishedAfterMs);
  assert.equal(decision.kind, "refused");
});

test("a declined temporary address leaves the record; another machine's address changes nothing", () => {
  const declined = after(known, { kind: "addressDeclined", id, address: "10.77.0.60" }, 5);
  assert.deepEqual([declined.machine?.temporaryAddress, declined.machine?.conditions], [undefined, []]);
  assert.equal(after(known, { kind: "addressDeclined", id, address: "10.77.0.61" }, 5).machine, known);
});

test("a declined permanent address is a conflict, until the machine's agent is up", () => {
  const healthy: Machine = {
    ...{ ...known, state: "healthy", hostname: "r01u07", permanentAddress: "10.77.1.71", phase: "up" },
    ...{ requiredImage: "compute/1", runningImage: "compute/1" },
  };
  const { machine } = after(healthy, { kind: "addressDeclined", id, address: "10.77.1.71" }, 5);
  assert.deepEqual(
    machine?.conditions.map(({ kind, sinceMs }) => [kind, sinceMs]),
    [["conflict", 5]],
  );
  assert.match(machine?.conditions[0]?.reason ?? "", /10\.77\.1\.71.*r01u07/);
  const up = after(machine ?? healthy, { kind: "subSeen", id, runningImage: "compute/1" }, 6);
  assert.deepEqual(up.machine?.conditions, []);
});
