import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, hardware, id, issued, mac as macOfSibling, taken } from "../../src/core/machine/testing/test-fleet.ts";
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
