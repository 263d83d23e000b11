import assert from "node:assert/strict";
import { test } from "node:test";
import { eventAsText } from "../../contract/machine-event.ts";
import type { MachineEvent } from "../../core/machine/event.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import { ip } from "../../core/net/testing/addresses.ts";
import { asks, birthOf } from "../testing/fleet.ts";
import { type ChangeRow, readChange } from "./read-change.ts";

const id = "m-020000000001" as MachineId;
const outcome = { id, revision: 3, state: "birth", generation: 1, conditions: [], phase: "offered" };
const row = (event: object | string, more: Partial<ChangeRow> = {}): ChangeRow => ({
  ...{ position: 7, machine_id: outcome.id, at_ms: 5, by_whom: null, absorbed: null },
  ...{ event: typeof event === "string" ? event : JSON.stringify(event), outcome: JSON.stringify(outcome) },
  ...more,
});
const declined = { kind: "addressDeclined", id: outcome.id, address: "10.77.0.60" };

test("a stored event has its addresses as text; what a newer version added is read past", () => {
  const { event, machine } = readChange(row({ ...declined, colour: "red" }));
  assert.deepEqual(event, { ...declined, address: ip("10.77.0.60") });
  assert.deepEqual(machine, outcome);
});

const damaged: readonly (readonly [title: string, row: ChangeRow, fault: RegExp])[] = [
  ["half an event", row('{"kind":"addressDecl'), /^event: expected JSON, found /],
  ["an event of a newer version", row({ kind: "promoted", id: "x" }), /^event: kind: expected .*, found "promoted"$/],
  [
    "an address that is none",
    row({ ...declined, address: "10.77.0" }),
    /^event: address: expected an IPv4 address, found "10.77.0"$/,
  ],
  [
    "a state that is none",
    row(declined, { outcome: JSON.stringify({ ...outcome, state: "x" }) }),
    /^outcome: state: expected/,
  ],
  [
    "absorbed records that are no list",
    row(declined, { absorbed: "7" }),
    /^absorbed: the whole: expected Array, found 7$/,
  ],
];
for (const [title, given, fault] of damaged)
  test(`a damaged row of the history, ${title}: its change stays in the history, and names what is wrong`, () => {
    const { event, machine, position } = readChange(given);
    assert.ok(event.kind === "unreadable");
    assert.match(event.fault, fault);
    assert.deepEqual([machine.id, position], [outcome.id, 7]);
  });

const stored: readonly MachineEvent[] = [
  ...birthOf(1),
  { ...asks(1), address: ip("10.77.0.60") },
  ...(["addressDeclined", "addressReturned", "addressSeen"] as const).map(
    (kind) => ({ kind, id, address: ip("10.77.0.60") }) as const,
  ),
  { kind: "placed", id, placement: testMachine("healthy").placement },
];
for (const event of stored)
  test(`the event ${event.kind} survives being stored, with its addresses as text`, () => {
    const text = JSON.stringify(eventAsText(event));
    assert.deepEqual(readChange(row(text)).event, event);
    assert.doesNotMatch(text, /"address":\d/);
  });
