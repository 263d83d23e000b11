import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsInSteps, type FleetRow, fleetRow } from "./columns.ts";
import { powerOn } from "./testing/power-on.ts";

const nowMs = 1_800_000_000_000;

test("the columns of a fleet say of each machine what its row says", () => {
  const trouble = (rack: number, unit: number) =>
    rack === unit ? ({ kind: "failing", reason: "" } as const) : undefined;
  const machines = powerOn({ racks: 7, units: 9, apartMs: 400_000, nowMs, beganMs: nowMs - 30 * 60_000, trouble });
  const steps = columnsInSteps(machines);
  let step = steps.next();
  let count = 0;
  for (; step.done !== true; step = steps.next()) count += 1;
  assert.equal(count, machines.length);
  const columns = step.value;
  const named = <const K extends string>(key: K, index: number | undefined, list: readonly string[]) =>
    index === undefined || index < 0 ? {} : { [key]: list[index] };
  const rows = machines.map((_, at) => ({
    ...{ id: columns.id[at], name: columns.name[at], conditions: columns.conditions[at] },
    ...named("rack", columns.rack[at], columns.racks),
    ...(columns.unit[at] === "" ? {} : { unit: columns.unit[at] }),
    ...named("network", columns.network[at], columns.networks),
    ...named("status", columns.status[at], columns.statuses),
    ...named("phase", columns.phase[at], columns.phases),
    ...(columns.phaseAtMs[at] === 0 ? {} : { phaseAtMs: columns.phaseAtMs[at] }),
    ...named("image", columns.image[at], columns.images),
    ...named("model", columns.model[at], columns.models),
  }));
  assert.deepEqual(
    rows,
    machines.map((machine): FleetRow => fleetRow(machine)),
  );
  assert.ok(new Set(columns.status).size >= 3 && new Set(columns.phase).size >= 5);
});
