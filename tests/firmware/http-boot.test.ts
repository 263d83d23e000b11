import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { faultyRack, machineOnce, withBootstrapImage } from "../faults/faulty-rack.ts";
import { debian13 } from "../support/images-of-tests.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { firmwareTreeOf } from "../support/machine-firmware.ts";

await insideNamespace(import.meta.url, () => {
  test("Debian 13's OVMF, whose first boot entry is HTTPv4, gets iPXE and the Bootstrap Image by HTTP alone", {
    timeout: 20 * 60_000,
  }, async () => {
    const firmwareTree = await firmwareTreeOf("trixie");
    const spec = machineSpec(1, { firmware: "uefi", bootFrom: "http", firmwareTree });
    await using place = await faultyRack([spec], undefined, (made) => withBootstrapImage(made, debian13));
    const [machine] = place.rack.machines;
    assert.ok(machine);
    await using server = await place.startServer();
    await machine.powerOn();
    const born = await machineOnce({ rack: place, server }, machine, {
      what: "init's order",
      seconds: 900,
      holds: ({ order }) => order?.taken !== undefined,
    });
    assert.deepEqual(
      born.timeline.slice(0, 3).map(({ phase, detail }) => `${phase}: ${detail}`),
      ["offered: httpBoot: loader", "loaderSent: snponly.efi", "kernelSent: kernel and initramfs"],
    );
  });
});
