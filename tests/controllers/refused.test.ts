import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import type { Firmware } from "../../src/core/machine/record.ts";
import { type DiskSpec, machineSpec } from "../../src/lab/machine-spec.ts";
import { faultyRack, reasonFor } from "../faults/faulty-rack.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";

const minuteMs = 60_000;
const sizeMiB = 8 * 1024;

/** Disks that hold no system, and what the record says of them. The Bootstrap Image has no drivers for USB and SD cards. */
const refused: readonly {
  readonly title: string;
  readonly firmware?: Firmware;
  readonly disk: DiskSpec;
  readonly says: RegExp;
}[] = [
  ...(["mptsas1068", "pvscsi"] as const).map((bus) => ({
    title: `${bus}, for which OVMF has no driver`,
    firmware: "uefi" as const,
    disk: { bus, sizeMiB, serial: "UEFI1" },
    says: /cannot be started by this UEFI firmware, which has no driver for its controller/,
  })),
  { title: "a USB disk", disk: { bus: "usb", sizeMiB, serial: "USB1" }, says: /no disk found: expected a fixed disk/ },
  { title: "an SD card", disk: { bus: "sd", sizeMiB, serial: "SD1" }, says: /no disk found: expected a fixed disk/ },
  {
    title: "sectors of 4096 bytes with a BIOS",
    disk: { bus: "nvme", sizeMiB, serial: "4KN1", sectorBytes: 4096 },
    says: /cannot be started by (a|this) BIOS/,
  },
  {
    title: "a controller without a driver",
    disk: { bus: "lsi53c895a", sizeMiB, serial: "LSI1" },
    says: /1000:0012.*no driver|no driver.*1000:0012/,
  },
  {
    title: "another one",
    disk: { bus: "am53c974", sizeMiB, serial: "AMD1" },
    says: /1022:2020.*no driver|no driver.*1022:2020/,
  },
];

await insideNamespace(import.meta.url, () => {
  test("a disk that cannot hold the system is refused by name, and nothing is written to it", {
    timeout: 20 * minuteMs,
  }, async () => {
    const specs = refused.map(({ firmware = "bios", disk }, index) =>
      machineSpec(index + 1, { firmware, memoryMiB: 768, disks: [disk] }),
    );
    await using setUp = await faultyRack(specs);
    await using server = await setUp.startServer();
    for (const [index, { title, says }] of refused.entries()) {
      const machine = setUp.rack.machines[index] ?? assert.fail();
      await machine.powerOn();
      const reason = await waitFor(`${title}: a condition`, 240, () =>
        reasonFor(server.store.byMac(machine.mac), "failing"),
      ).catch(async (cause) => {
        throw new Error(`${title}\n${await setUp.console(machine.name)}`, { cause });
      });
      assert.match(reason, says, title);
      await machine.powerOff();
      const { blocks } = await stat(machine.diskPaths[0] ?? "");
      assert.equal(blocks, 0, `${title}: something was written`);
    }
  });
});
