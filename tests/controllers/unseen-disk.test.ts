import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { faultyRack } from "../faults/faulty-rack.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { firmwareTreeOf } from "../support/machine-firmware.ts";

const sizeMiB = 8 * 1024;

await insideNamespace(import.meta.url, () => {
  test("OVMF of Debian 12 and of 13 say before the birth that they have no driver for PVSCSI, and the root goes elsewhere", {
    timeout: 30 * 60_000,
  }, async () => {
    const disks = [
      { bus: "pvscsi", sizeMiB, serial: "UNSEEN1" },
      { bus: "nvme", sizeMiB, serial: "SEEN1" },
      { bus: "ahci", sizeMiB, serial: "SEEN2" },
    ] as const;
    const specs = [
      machineSpec(1, { firmware: "uefi", memoryMiB: 768, disks }),
      machineSpec(2, { firmware: "uefi", memoryMiB: 768, disks, firmwareTree: await firmwareTreeOf("trixie") }),
    ];
    await using setUp = await faultyRack(specs);
    await using server = await setUp.startServer();
    for (const machine of setUp.rack.machines) await machine.powerOn();
    for (const machine of setUp.rack.machines) {
      const found = await waitFor(`${machine.name}: its disks on the record`, 600, () => {
        const { hardware } = server.store.byMac(machine.mac) ?? {};
        return hardware?.disks.map(({ serial, unseenByUefi = false }) => [serial, unseenByUefi] as const);
      }).catch(async (cause) => {
        throw new Error(await setUp.console(machine.name), { cause });
      });
      assert.deepEqual(Object.fromEntries(found), { UNSEEN1: true, SEEN1: false, SEEN2: false }, machine.name);
      const root = await waitFor(`${machine.name}: its root disk`, 600, () => {
        const record = server.store.byMac(machine.mac);
        return record?.storage?.rootDisk.serial;
      }).catch(async (cause) => {
        throw new Error(await setUp.console(machine.name), { cause });
      });
      assert.match(root, /^SEEN/);
      await machine.powerOff();
    }
  });
});
