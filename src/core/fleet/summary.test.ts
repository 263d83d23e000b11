import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { conditionKinds } from "../machine/condition.ts";
import { phases } from "../machine/phase.ts";
import type { Machine } from "../machine/record.ts";
import { machineStates } from "../machine/state.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import type { DiskKeyState, KeySealing } from "../tpm/disk-key.ts";
import { statuses } from "./machine-status.ts";
import { compareNatural } from "./racks.ts";
import { summarise } from "./summary.ts";
import { birthMs, powerOn } from "./testing/power-on.ts";

const nowMs = 1_800_000_000_000;
const minute = 60_000;
const trouble = (rack: number, unit: number) =>
  rack === 17 && unit <= 9
    ? { kind: "failing" as const, reason: `disk /dev/nvme${unit}n1: expected 900 MiB/s, found ${unit * 10}` }
    : unit === 3 && rack % 10 === 0
      ? { kind: "conflict" as const, reason: `r${rack}u03 claims the name of another` }
      : undefined;
const night = (beganMs: number) => powerOn({ racks: 100, units: 40, apartMs: 20_000, nowMs, beganMs, trouble });

describe("summary of 4,000 machines in mid power-on", () => {
  const { summary, causes } = summarise(night(nowMs - 30 * minute), { nowMs });

  test("each machine is counted once, and each cause once with its place", () => {
    const { statuses, machines, racks } = summary;
    assert.equal(machines, 4000);
    assert.equal(
      Object.values(statuses).reduce((sum, count) => sum + count, 0),
      4000,
    );
    assert.equal(statuses.failing, 19);
    assert.deepEqual(
      causes.map(({ cause }) => [
        cause.condition,
        cause.machines,
        cause.reason,
        cause.locations[0],
        cause.locationCount,
      ]),
      [
        ["conflict", 10, "r…u… claims the name of another", { place: "network racks", machines: 2 }, 9],
        ["failing", 9, "disk /dev/nvme…n…: expected … MiB/s, found …", { place: "rack 17", machines: 9 }, 1],
      ],
    );
    // The last racks have not told their place yet.
    const placed = racks.reduce((sum, { machines }) => sum + machines, 0);
    assert.deepEqual([racks[0]?.rack, racks[9]?.rack, placed + summary.unplaced], ["1", "10", 4000]);
  });

  test("disk keys are counted by what protects them, and why they are not sealed", () => {
    const rootDisk = { path: "/dev/vda", serial: "s", sizeBytes: 1, why: "only" };
    const withKey = (sealing: KeySealing | undefined, diskKey?: DiskKeyState) => ({
      ...testMachine("healthy"),
      storage: {
        rootDisk,
        encryption: { kind: "luks2", keyIn: "uefi-variable", ...(sealing && { sealing }) } as const,
      },
      ...(diskKey && { diskKey }),
    });
    const fleet = [
      withKey("asked", { kind: "sealed" }),
      withKey("asked", { kind: "plain", reason: "r", cause: "gave-up" }),
      ...[withKey("no-tpm"), withKey("no-tpm"), withKey("asked"), withKey(undefined), testMachine("birth")],
    ];
    const { diskKeys } = summarise(fleet as Machine[], { nowMs }).summary;
    assert.deepEqual(diskKeys, {
      ...{ "sealed-key": 1, "unsealed-gave-up": 1, "unsealed-no-tpm": 2, "unsealed-awaited": 1 },
      ...{ "unsealed-not-asked": 1 },
    });
  });

  test("the estimate is between the earliest and the latest end that the births before allow", () => {
    const { arrival, births } = summary;
    assert.ok(arrival.kind === "estimate");
    // The last rack was switched on 33 minutes after the first, three minutes from now; those on their way began before.
    assert.ok(arrival.p50AtMs > nowMs + 0.85 * birthMs - 3 * minute && arrival.p50AtMs < nowMs + 1.2 * birthMs);
    assert.ok(arrival.p90AtMs >= arrival.p50AtMs);
    assert.ok(births.perMinute > 60, "three racks of 40 each minute");
    assert.equal(arrival.confidence, "high");
  });

  test("phases on the way have the usual time of finished births beside their own", () => {
    const burnIn = summary.phases.find(({ phase }) => phase === "burnIn");
    assert.ok(burnIn !== undefined && burnIn.p95Ms < 700_000);
    assert.ok(Math.abs((burnIn.usualP50Ms ?? 0) - 600_000) < 60_000);
  });
});

/** Machines as if they were in another rack. */
const inRack = (rack: string, machines: readonly Machine[]) =>
  machines.map((machine) => ({
    ...machine,
    ...(machine.placement && { placement: { ...machine.placement, position: { rack, unit: "1" } } }),
  })) as Machine[];
const laggards = (machines: readonly Machine[]) =>
  summarise(machines, { nowMs }).summary.racks.flatMap(({ rack, lags }) => (lags ? [rack] : []));

test("a rack lags if a machine stays in a phase for longer than births do, not because it began later", () => {
  const done = powerOn({ racks: 2, units: 5, apartMs: 0, nowMs, beganMs: nowMs - 3 * birthMs });
  const later = inRack("8", powerOn({ racks: 1, units: 4, apartMs: 0, nowMs, beganMs: nowMs - 2 * minute }));
  const stuck = later.map((machine) => ({ ...machine, phaseAtMs: nowMs - 20 * minute }));
  assert.deepEqual(laggards([...done, ...later, ...inRack("9", stuck)]), ["9"]);
  const { arrival, statuses } = summarise(done, { nowMs }).summary;
  assert.deepEqual([arrival.kind, statuses.up], ["done", 10]);
});

test("while no birth is finished, a rack far behind the median rack lags", () => {
  const racks = powerOn({ racks: 5, units: 4, apartMs: 0, nowMs, beganMs: nowMs - 16 * minute });
  const late = inRack("9", powerOn({ racks: 1, units: 4, apartMs: 0, nowMs, beganMs: nowMs - 2 * minute }));
  assert.deepEqual(laggards([...racks, ...late]), ["9"]);
});

test("a switch that no rule matches is a cause of its own, before any machine behind it fails", () => {
  const lost = {
    kind: "unplaced" as const,
    reason: 'none of the 2 placement rules matches switch "tor-x" port "swp7"',
  };
  const machines = powerOn({ racks: 1, units: 3, apartMs: 0, nowMs, beganMs: nowMs - minute }).map(
    ({ placement: _none, ...machine }) => ({ ...machine, heard: lost }) as Machine,
  );
  const { summary, causes } = summarise(machines, { nowMs });
  assert.equal(summary.statuses.failing, 0);
  assert.deepEqual(
    causes.map(({ cause }) => [cause.condition, cause.machines]),
    [["placement", 3]],
  );
});

test("slots of the plan that were never heard from are counted, also in racks without any machine", () => {
  const machines = powerOn({ racks: 2, units: 3, apartMs: 0, nowMs, beganMs: nowMs - 2 * minute });
  const expected = new Map(["1", "2", "3"].map((rack) => [rack, new Set(["1", "2", "3", "4"])]));
  const { racks } = summarise(machines, { nowMs, expected }).summary;
  assert.deepEqual(
    racks.map(({ rack, machines, expected, unheard, lags }) => [rack, machines, expected, unheard, lags]),
    [
      ["1", 3, 4, 1, undefined],
      ["2", 3, 4, 1, undefined],
      ["3", 0, 4, 4, undefined],
    ],
  );
});

test("without finished births there is no estimate, and the summary says why", () => {
  const { summary } = summarise(powerOn({ racks: 2, units: 2, apartMs: 0, nowMs, beganMs: nowMs - minute }), { nowMs });
  assert.ok(summary.arrival.kind === "unknown");
  assert.match(summary.arrival.why, /needs 5 finished births .* there are 0/);
});

test("for any fleet the counts add up, whatever clocks and texts say", () => {
  const condition = fc.record({
    kind: fc.constantFrom(...conditionKinds),
    reason: fc.string(),
    sinceMs: fc.integer({ min: -10, max: 4e12 }),
  });
  const machine = fc
    .record({
      state: fc.constantFrom(...machineStates),
      phase: fc.option(fc.constantFrom(...phases), { nil: undefined }),
      phaseAtMs: fc.integer({ min: 0, max: 4e12 }),
      conditions: fc.array(condition, { maxLength: 3 }),
      timeline: fc.array(fc.record({ phase: fc.constantFrom(...phases), atMs: fc.integer({ min: 0, max: 4e12 }) })),
      product: fc.string(),
    })
    .map(({ state, product, phase, ...facts }) =>
      testMachine(state, {
        ...facts,
        ...(phase === undefined ? {} : { phase }),
        smbios: { vendor: "", product, serial: "", uuid: "" },
      }),
    );
  fc.assert(
    fc.property(fc.array(machine, { maxLength: 30 }), (fleet) => {
      const { summary, causes } = summarise(fleet, { nowMs });
      const counted = statuses.reduce((sum, status) => sum + summary.statuses[status], 0);
      assert.equal(counted, fleet.length);
      assert.equal(summary.machines, fleet.length - summary.statuses.retired);
      assert.equal(
        causes.reduce((sum, { cause }) => sum + (cause.condition === "placement" ? 0 : cause.machines), 0),
        summary.statuses.failing,
      );
      const placed = fleet.filter(({ placement }) => placement !== undefined).length;
      assert.equal(
        summary.racks.reduce((sum, { machines }) => sum + machines, 0),
        placed,
      );
      const { arrival } = summary;
      if (arrival.kind === "estimate") assert.ok(arrival.p90AtMs >= arrival.p50AtMs && arrival.p50AtMs >= nowMs);
    }),
  );
});

test("numbers in names count by their value", () => {
  assert.deepEqual(["r10", "r9", "a", "r9b", "10", "9"].sort(compareNatural), ["9", "10", "a", "r9", "r9b", "r10"]);
});
