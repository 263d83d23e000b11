import assert from "node:assert/strict";
import { test } from "node:test";
import type { Firmware } from "../../src/core/machine/record.ts";
import { type DiskBus, machineSpec } from "../../src/lab/machine-spec.ts";
import { faultyRack, machineOnce } from "../faults/faulty-rack.ts";
import { withRecipe } from "../recipes/with-recipe.ts";
import { insideNamespace } from "../support/inside-namespace.ts";

const minuteMs = 60_000;
const image = "compute";

/**
 * Controllers of the root disk with which QEMU's firmware can start a machine; virtio and NVMe are those of other suites. Debian
 * 12's OVMF has no drivers for MegaRAID, SAS 1068 and PVSCSI.
 */
const machines: readonly { readonly firmware: Firmware; readonly bus: DiskBus; readonly sectorBytes?: 4096 }[] = [
  { firmware: "bios", bus: "ahci" },
  { firmware: "bios", bus: "megasas" },
  { firmware: "bios", bus: "mptsas1068" },
  { firmware: "bios", bus: "pvscsi" },
  { firmware: "uefi", bus: "ahci" },
  { firmware: "uefi", bus: "nvme", sectorBytes: 4096 },
  { firmware: "uefi", bus: "scsi", sectorBytes: 4096 },
];

await insideNamespace(import.meta.url, () => {
  for (const [index, { firmware, bus, sectorBytes = 512 }] of machines.entries())
    test(`${firmware}, ${bus}, sectors of ${sectorBytes} bytes: the machine starts its installed system from the disk`, {
      timeout: 25 * minuteMs,
    }, async () => {
      const serial = `ROOT${index}`;
      const disks = [{ bus, sizeMiB: 8 * 1024, serial, sectorBytes }] as const;
      const spec = machineSpec(1, { firmware, memoryMiB: 1536, disks });
      await using setUp = await faultyRack([spec], undefined, (directory) => withRecipe(directory, image));
      await using server = await setUp.startServer({ images: [{ image }] });
      await setUp.rack.machines[0]?.powerOn();
      const machine = await machineOnce({ rack: setUp, server }, spec, {
        what: "the machine to be up with its image",
        seconds: 1400,
        holds: ({ phase }) => phase === "up",
      });
      assert.deepEqual(
        [machine.runningImage, machine.storage?.rootDisk.serial, machine.conditions],
        [`${image}/1`, serial, []],
      );
    });
});
