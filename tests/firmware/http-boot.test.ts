import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { faultyRack } from "../faults/faulty-rack.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";

await insideNamespace(import.meta.url, () => {
  test("OVMF whose first boot entry is HTTPv4 gets iPXE and the Bootstrap Image by HTTP alone", {
    timeout: 240_000,
  }, async () => {
    await using place = await faultyRack([machineSpec(1, { firmware: "uefi", bootFrom: "http" })]);
    const [machine] = place.rack.machines;
    assert.ok(machine);
    await using server = await place.startServer();
    await machine.powerOn();
    const born = await waitFor("init's order", 200, () => {
      const record = server.store.byMac(machine.mac);
      return record?.order?.taken === undefined ? undefined : record;
    }).catch(async (cause) => {
      throw new Error(await place.console(machine.name), { cause });
    });
    assert.deepEqual(
      born.timeline.slice(0, 3).map(({ phase, detail }) => `${phase}: ${detail}`),
      ["offered: httpBoot: loader", "loaderSent: snponly.efi", "kernelSent: kernel and initramfs"],
    );
  });
});
