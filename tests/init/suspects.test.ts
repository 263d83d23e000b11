import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, hardware, id, issued, mac as macOfSibling, taken } from "../../src/core/machine/testing/test-fleet.ts";
import type { BoardFacts } from "./host/board.ts";
import type { TroubleRule } from "./host/system/trouble.ts";
import { mac, rackMachine } from "./machine.ts";
import { openSite, type Site } from "./site/site.ts";

const images = [{ image: "debug", when: { burnIn: "suspect" } }, { image: "compute" }];
const burnIn = { cpuSeconds: 1, memoryPercent: 0, diskMiB: 0, networkMiB: 0 };

/** Eight machines of the fake machine's model, whose CPUs are far faster than its own. */
function addSiblings(site: Site): void {
  for (let n = 10; n < 18; n += 1) {
    const smbios = { vendor: "Fake", product: "Board 1", serial: "", uuid: "" };
    const cpu = {
      test: "cpu",
      subject: "2 CPUs",
      ok: true,
      durationMs: 1,
      figures: { hashesPerSecond: 1e9 + n },
      fault: "",
    } as const;
    for (const event of [
      ...[asked(n), issued(n, `t${n}`, Number.MAX_SAFE_INTEGER), taken(n, `t${n}`)],
      { kind: "hardwareScanned", id: id(n), hardware: { ...hardware(macOfSibling(n)), smbios } } as const,
      { kind: "burnInDone", id: id(n), report: { verdict: "passed", results: [cpu] } } as const,
    ])
      site.apply(event);
  }
}

test("a machine far below its siblings is suspect, and an image rule gives it its image", (t) => {
  const site = openSite({ config: { images, burnIn } });
  t.after(site.close);
  addSiblings(site);
  const { end, kernel } = rackMachine(site).bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  const { suspects = [], requiredImage, conditions } = site.machine(mac);
  assert.deepEqual(
    suspects.map((one) => [one.test, one.figure, one.machines, one.median]),
    [["cpu", "hashesPerSecond", 8, 1e9 + 13.5]],
  );
  assert.deepEqual([requiredImage, conditions], ["debug", []]);
});

test("where suspects are held, the birth ends before anything is written; released, the machine is born", (t) => {
  const site = openSite({ config: { images: [{ image: "compute" }], burnIn: { ...burnIn, suspects: "hold" } } });
  t.after(site.close);
  addSiblings(site);
  const machine = rackMachine(site);
  const before = [...machine.board.disks.values()].map((disk) => [...disk.contents()].length);
  const held = machine.bootInit();
  assert.notEqual(held.end.kind, "switchedRoot");
  assert.match(held.kernel.screen.join("\n"), /suspect/);
  const { id: own, conditions, placement } = site.machine(mac);
  assert.deepEqual([conditions.some(({ kind }) => kind === "hold"), placement], [true, undefined]);
  assert.deepEqual(
    [...machine.board.disks.values()].map((disk) => [...disk.contents()].length),
    before,
  );
  site.apply({ kind: "conditionCleared", id: own, condition: "hold" });
  const { end, kernel } = machine.bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  assert.equal(site.machine(mac).suspects?.length, 1);
});

/** A machine of the model as it should be: what its birth reported. */
function soundReport(facts: Partial<BoardFacts>, config: Parameters<typeof openSite>[0]) {
  const site = openSite(config);
  rackMachine(site, facts).bootInit();
  const { burnIn: report, hardware: scan } = site.machine(mac);
  site.close();
  return { report: report ?? assert.fail(), scan: scan ?? assert.fail() };
}

const board: Partial<BoardFacts> = {
  memoryMiB: 4096,
  disks: [
    { name: "vda", sizeBytes: 4 * 2 ** 30, serial: "root" },
    { name: "vdb", sizeBytes: 8 * 2 ** 30, serial: "data", model: "SSD 1" },
  ],
};
const ten = { speedMbps: 10_000, supported: [12], partner: [12] };

const ailing: readonly {
  readonly title: string;
  readonly change: Partial<BoardFacts>;
  readonly troubles?: readonly TroubleRule[];
  readonly suspect: readonly string[];
}[] = [
  {
    title: "a throttled disk",
    change: {},
    troubles: [{ call: "read", about: /^\/dev\/vdb$/, from: 3, trouble: { kind: "slow", milliseconds: 100 } }],
    suspect: ["readMiBps of /dev/vdb (SSD 1)", "latencyP50Ms of /dev/vdb (SSD 1)", "latencyP99Ms of /dev/vdb (SSD 1)"],
  },
  { title: "half its memory", change: { memoryMiB: 2048 }, suspect: ["memoryMiB of scan"] },
  {
    title: "a slow link, whose switch offers no more",
    change: { link: { ...ten, speedMbps: 1000, partner: [5] } },
    suspect: ["linkMbps of 10.77.0.1", "partnerMbps of 10.77.0.1", "linkMbps of scan"],
  },
  { title: "a disk less", change: { disks: board.disks?.slice(0, 1) ?? [] }, suspect: ["disks of scan"] },
  { title: "nothing", change: {}, suspect: [] },
];

for (const { title, change, troubles = [], suspect } of ailing)
  test(`a machine among eight sound siblings, with ${title}`, (t) => {
    const all = { cpuSeconds: 1, memoryPercent: 10, diskMiB: 8, networkMiB: 1 };
    const config = { config: { images: [{ image: "compute" }], burnIn: all } };
    const { report, scan } = soundReport({ ...board, link: ten }, config);
    const site = openSite(config);
    t.after(site.close);
    for (let n = 10; n < 18; n += 1) {
      const nics = scan.nics.map((nic) => ({ ...nic, mac: macOfSibling(n) }));
      const disks = scan.disks.map((disk) => ({ ...disk, contents: [] }));
      for (const event of [
        ...[asked(n), issued(n, `t${n}`, Number.MAX_SAFE_INTEGER), taken(n, `t${n}`)],
        { kind: "hardwareScanned", id: id(n), hardware: { ...scan, nics, disks } } as const,
        { kind: "burnInDone", id: id(n), report } as const,
      ])
        site.apply(event);
    }
    const { end, kernel } = rackMachine(site, { ...board, link: ten, ...change }).bootInit({ troubles });
    assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
    const { suspects = [] } = site.machine(mac);
    assert.deepEqual(
      suspects.map(({ figure, subject }) => `${figure} of ${subject}`),
      suspect,
    );
  });
