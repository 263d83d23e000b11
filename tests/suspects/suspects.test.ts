import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineEvent } from "../../src/core/machine/event.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { Machine } from "../../src/core/machine/record.ts";
import type { Store } from "../../src/core/ports.ts";
import { type DiskSpec, type MachineSpec, machineSpec } from "../../src/lab/machine-spec.ts";
import { birthOf, testMac } from "../../src/mdb/testing/fleet.ts";
import { faultyRack, machineOnce } from "../faults/faulty-rack.ts";
import { insideNamespace } from "../support/inside-namespace.ts";

const minuteMs = 60_000;
const burnIn = { cpuSeconds: 1, memoryPercent: 20, diskMiB: 64, networkMiB: 16 };
const siblings = 9;
const mebibyte = 2 ** 20;

const diskOf = (unit: number, fault: Partial<DiskSpec> = {}): readonly DiskSpec[] => [
  { bus: "virtio", sizeMiB: 8192, serial: `DISK${unit}`, ...fault },
];

/** A machine as all others, and what is wrong with it. */
function specOf(unit: number, wrong: Partial<MachineSpec> = {}): MachineSpec {
  return machineSpec(unit, { cpus: 1, memoryMiB: 1024, disks: diskOf(unit), ...wrong });
}

const sound = specOf(1);
const cases = [
  {
    title: "half its memory",
    spec: specOf(2, { memoryMiB: 512 }),
    suspect: { test: "hardware", figure: "memoryMiB" },
  },
  {
    title: "a throttled disk",
    spec: specOf(3, { disks: diskOf(3, { bytesPerSecond: 4 * mebibyte }) }),
    suspect: { test: "disk", figure: "writeMiBps" },
  },
  {
    title: "a slow link",
    spec: specOf(4, { linkMbps: 20 }),
    suspect: { test: "network", figure: "readMiBps" },
  },
  {
    title: "a disk that lies",
    spec: specOf(5, { disks: diskOf(5, { lies: true }) }),
    fault: /differ|expected .*, (read|found)/,
  },
] as const;

/** Machines that have and measured what one did, each a little different. */
async function addSiblings(store: Store, { hardware, burnIn: report }: Machine): Promise<void> {
  assert.ok(hardware !== undefined && report !== undefined);
  for (let n = 0; n < siblings; n += 1) {
    const mac = testMac(100 + n);
    const id = machineIdFromMac(mac);
    const share = 0.96 + n * 0.01;
    const results = report.results.map((result) => ({
      ...result,
      figures: Object.fromEntries(Object.entries(result.figures).map(([figure, value]) => [figure, value * share])),
    }));
    const nics = hardware.nics.map((nic) => ({ ...nic, mac }));
    const smbios = { ...hardware.smbios, serial: `SIBLING${n}`, uuid: "" };
    const events: readonly MachineEvent[] = [
      ...birthOf(100 + n).slice(0, 3),
      { kind: "hardwareScanned", id, hardware: { ...hardware, nics, smbios } },
      { kind: "burnInDone", id, report: { ...report, results } },
    ];
    for (const event of events) {
      const { kind } = await store.apply(event);
      assert.equal(kind, "changed", event.kind);
    }
  }
}

await insideNamespace(import.meta.url, () => {
  test("machines with half their memory, a slow disk or link, or a disk that lies are caught by their burn-in", {
    timeout: 30 * minuteMs,
  }, async () => {
    await using rack = await faultyRack([sound, ...cases.map(({ spec }) => spec)]);
    await using server = await rack.startServer({ burnIn });
    const { store } = server;
    const burntIn = async (spec: MachineSpec): Promise<Machine> => {
      await rack.rack.find(spec.name)?.powerOn();
      const machine = await machineOnce({ rack, server }, spec, {
        ...{ what: "its burn-in", seconds: 600 },
        // The disk is written to last, once the machine's place is accepted.
        holds: ({ burnIn }) => burnIn?.results.some(({ test }) => test === "disk") === true,
      });
      await rack.rack.find(spec.name)?.kill();
      return machine;
    };
    const measured = await burntIn(sound);
    assert.equal(measured.burnIn?.verdict, "passed", JSON.stringify(measured.burnIn));
    await addSiblings(store, measured);
    for (const { title, spec, ...expected } of cases) {
      const { burnIn: found, suspects = [] } = await burntIn(spec);
      const said = `${title}: ${JSON.stringify({ found, suspects })}`;
      if ("suspect" in expected) {
        assert.equal(found?.verdict, "passed", said);
        const { test, figure } = expected.suspect;
        assert.ok(
          suspects.some((one) => one.test === test && one.figure === figure && one.machines >= siblings),
          said,
        );
      } else {
        assert.equal(found?.verdict, "failed", said);
        assert.match(found?.results.find(({ ok }) => !ok)?.fault ?? "", expected.fault, said);
      }
    }
  });
});
