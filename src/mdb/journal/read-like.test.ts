import assert from "node:assert/strict";
import { test } from "node:test";
import { storedRecord } from "../../contract/machine-record.ts";
import type { Machine } from "../../core/machine/record.ts";
import { type MachineState, machineStates } from "../../core/machine/state.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import { ip } from "../../core/net/testing/addresses.ts";
import { readMachine } from "./read-machine.ts";

/** A record of each state, with parts of every depth. */
const recordOf = (state: MachineState): Machine =>
  testMachine(state, {
    revision: 5,
    temporaryAddress: ip("10.77.0.60"),
    tags: { rack: "1" },
    smbios: { vendor: "v", product: "p", serial: "s", uuid: "u" },
    conditions: [{ kind: "failing", reason: "slow", sinceMs: 4 }],
    timeline: [{ phase: "offered", atMs: 3, durationMs: 2 }],
  });
const stored = (machine: Machine) => storedRecord(machine) as { readonly [key: string]: unknown };

/** What is read beside a known record, which is always what is read without one. */
function readBeside(known: Machine, given: object | string) {
  const row = { id: known.id, document: typeof given === "string" ? given : JSON.stringify(given) };
  const beside = readMachine(row, known);
  assert.deepEqual(beside, readMachine(row));
  return beside;
}

function machineBeside(known: Machine, given: object): Machine {
  const read = readBeside(known, given);
  return read.kind === "machine" ? read.machine : assert.fail(read.record.fault);
}

for (const state of machineStates) {
  const known = recordOf(state);
  test(`${state}: parts that have not changed are those of the known record, and the others are read`, () => {
    const same = machineBeside(known, stored(known));
    for (const [key, value] of Object.entries(known)) assert.equal(same[key as keyof Machine], value, key);
    const moved = machineBeside(known, {
      ...{ ...stored(known), revision: 6, temporaryAddress: "10.77.0.61" },
      timeline: [...known.timeline, { phase: "initUp", atMs: 5 }],
    });
    assert.deepEqual([moved.revision, moved.temporaryAddress, moved.timeline.length], [6, ip("10.77.0.61"), 2]);
    assert.equal(moved.smbios, known.smbios);
    const { tags: _gone, ...less } = stored(known);
    assert.equal(machineBeside(known, less).tags, undefined);
  });

  test(`${state}: a record in any other state is read as a whole`, () => {
    for (const other of machineStates) assert.equal(machineBeside(known, stored(recordOf(other))).state, other);
  });

  test(`${state}: what a newer version added is kept, at whatever depth, and seen when it changes`, () => {
    const more = { ...stored(known), colour: "red", smbios: { ...known.smbios, chassis: "c1" } };
    const read = machineBeside(known, more);
    assert.deepEqual(read.smbios, { ...known.smbios, chassis: "c1" });
    const later = machineBeside(read, { ...more, smbios: { ...known.smbios, chassis: "c2" } });
    assert.deepEqual(later.smbios, { ...known.smbios, chassis: "c2" });
  });

  test(`${state}: damage is found beside a known record, and named as without one`, () => {
    const given = stored(known);
    const { macs: _macs, ...without } = given;
    const damaged = [
      without,
      { ...given, revision: "6" },
      { ...given, temporaryAddress: "10.77.0" },
      { ...given, temporaryAddress: known.temporaryAddress },
      { ...given, conditions: [{ kind: "failing" }] },
      { ...given, conditions: { 0: known.conditions[0] } },
      { ...given, state: "lost" },
      { ...given, id: "m-020000000009" },
      { ...given, recordVersion: 99 },
      { ...given, recordVersion: "1" },
      [],
      JSON.stringify(given).slice(0, -2),
      "null",
      '"a record that is too large"',
    ];
    const read = damaged.map((one) => readBeside(known, one).kind);
    // A version that is no number is that of nobody; the record is read as before.
    assert.deepEqual(new Set(read.toSpliced(9, 1)), new Set(["unreadable"]));
  });
}

test("a key that is named like what every object has is a part like others", () => {
  const known = recordOf("birth");
  const text = JSON.stringify(stored(known)).replace(/^\{/, '{"__proto__":{"macs":[]},"constructor":1,');
  readBeside(known, text);
});
