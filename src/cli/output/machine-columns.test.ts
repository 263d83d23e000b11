import assert from "node:assert/strict";
import { test } from "node:test";
import { viewMachine } from "../../contract/operator/views.ts";
import { powerOn } from "../../core/fleet/testing/power-on.ts";
import { csvOf, tableOf } from "./listing.ts";
import { fieldListing, groupMachines, machineListing, sortMachines } from "./machine-columns.ts";

const nowMs = 1_800_000_000_000;
const machines = powerOn({ racks: 12, units: 2, apartMs: 120_000, nowMs, beganMs: nowMs - 1_300_000 }).map((machine) =>
  viewMachine(machine),
);

test("machines are sorted by the value of numbers, and by time the longest first; a minus reverses", () => {
  const racks = sortMachines(machines, "rack").flatMap(({ location }) => location?.rack ?? []);
  assert.deepEqual(
    [...new Set(racks)],
    [...new Set(racks)].sort((a, b) => Number(a) - Number(b)),
  );
  assert.ok(racks.includes("2") && racks.includes("10"));
  const timesOf = (by: string) => sortMachines(machines, by).map(({ phaseAtMs }) => phaseAtMs);
  const known = machines.flatMap(({ phaseAtMs }) => phaseAtMs ?? []).sort((a, b) => a - b);
  const unknown = machines.flatMap(({ phaseAtMs }) => (phaseAtMs === undefined ? [undefined] : []));
  assert.ok(known.length > 0 && unknown.length > 0);
  assert.deepEqual(timesOf("since"), [...known, ...unknown]);
  assert.deepEqual(timesOf("-since"), [...known.reverse(), ...unknown], "without a value last in both");
});

test("groups count every machine once, the largest first", () => {
  const groups = groupMachines(machines, "phase");
  assert.equal(
    groups.reduce((sum, [, count]) => sum + count, 0),
    machines.length,
  );
  const counts = groups.map(([, count]) => count);
  assert.deepEqual(
    counts,
    [...counts].sort((a, b) => b - a),
  );
});

test("every column has a text for every machine, and an unknown one is refused with all names", () => {
  for (const machine of machines) {
    for (const { of } of machineListing.columns) assert.notEqual(of(machine, nowMs), "-");
    const since = machineListing.columns.find(({ name }) => name === "since")?.value?.(machine);
    assert.equal(since === undefined ? undefined : Date.parse(String(since)), machine.phaseAtMs);
  }
  assert.throws(() => sortMachines(machines, "constructor"), /--sort: expected one of name, id, .*, found constructor/);
  assert.throws(() => groupMachines([], "x"), /--group-by: expected one of/);
});

test("progress is words for people, and a number and the kind of work for programs; it sorts by the number", () => {
  const [first, second, third] = machines;
  assert.ok(first && second && third);
  const progressOf = (done: number) => ({ what: "update", done, total: 2000, atMs: nowMs }) as const;
  const [ahead, behind] = [
    { ...first, progress: progressOf(1000) },
    { ...second, progress: progressOf(501) },
  ];
  const { progress: _none, ...idle } = third;
  const cellsOf = (name: string) => {
    const column = machineListing.columns.find((each) => each.name === name);
    return [ahead, idle].map((machine) => column?.value?.(machine) ?? column?.of(machine, nowMs));
  };
  assert.match(tableOf(machineListing, [ahead], { output: "wide", nowMs }).join("\n"), /updating 1000 of 2000 steps/);
  assert.deepEqual(
    [cellsOf("progress"), cellsOf("work")],
    [
      [0.5, undefined],
      ["update", undefined],
    ],
  );
  const sorted = sortMachines([idle, ahead, behind], "progress");
  assert.deepEqual(
    sorted.map(({ id }) => id),
    [behind.id, ahead.id, idle.id],
  );
});

test("the columns of --fields: times in words or as ISO 8601, structures as facts or as JSON", () => {
  const [machine] = machines.filter(({ phaseAtMs }) => phaseAtMs !== undefined);
  assert.ok(machine);
  const condition = { kind: "failing", reason: 'no, not "this"', sinceMs: nowMs } as const;
  const listing = fieldListing(["phaseAtMs", "conditions", "macs", "generation"]);
  const rows = [{ ...machine, phaseAtMs: nowMs, conditions: [condition] }];
  const csv = csvOf(listing, rows);
  const json = JSON.stringify([condition]).replaceAll('"', '""');
  assert.equal(
    csv,
    `id,phaseAtMs,conditions,macs,generation\r\n${machine.id},2027-01-15T08:00:00.000Z,"${json}",${machine.macs.join(" ")},${machine.generation}\r\n`,
  );
  const [titles = "", line = ""] = tableOf(listing, rows, { nowMs, width: 1000 });
  assert.match(titles, /^ID +PHASE +CONDITIONS +MACS +GENERATION$/);
  assert.match(line, /kind failing reason no, not "this" since 2027-01-15 \d\d:\d\d:00|since \d\d:\d\d:00/);
  assert.doesNotMatch(line, /1800000000000|object Object/);
});
