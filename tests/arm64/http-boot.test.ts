import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { faultyRack, machineOnce } from "../faults/faulty-rack.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { prepareArm64 } from "./prepare-state.ts";
import { sayWithTime } from "./say.ts";

/** What a machine fetches before init runs, with Debian 13's kernel. */
const mostBytes = 24_000_000;

await insideNamespace(import.meta.url, () => {
  test("an arm64 machine whose first boot entry is HTTPv4 gets iPXE and the Bootstrap Image by HTTP alone", {
    timeout: 1_200_000,
  }, async () => {
    const say = sayWithTime();
    const arm64 = { architecture: "arm64", firmware: "uefi", memoryMiB: 2048, cpus: 1 } as const;
    const spec = machineSpec(1, { ...arm64, bootFrom: "http" });
    await using place = await faultyRack(
      [spec],
      (_level, message, facts) => say(message, facts),
      (directory) => prepareArm64(directory, () => {}),
    );
    const image = join(place.directory, "state/bootstrap/arm64");
    const sizes = await Promise.all(
      ["vmlinuz", "initramfs.img"].map(async (name) => (await stat(join(image, name))).size),
    );
    assert.ok((sizes[0] ?? 0) + (sizes[1] ?? 0) <= mostBytes, `kernel and initramfs have ${sizes.join(" + ")} bytes`);
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
      ["offered: httpBoot: loader", "loaderSent: ipxe-arm64.efi", "kernelSent: kernel and initramfs"],
    );
  });
});
