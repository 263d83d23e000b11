import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { faultyRack, reasonFor } from "../faults/faulty-rack.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { prepareArm64, streams } from "./prepare-state.ts";
import { sayWithTime } from "./say.ts";

/** An emulated arm64 machine takes minutes where an amd64 one takes seconds. */
const limitSeconds = 2400;
/** As arm64 servers have them. */
const disks = [{ bus: "nvme", sizeMiB: 8192, serial: "ROOT1" }] as const;

await insideNamespace(import.meta.url, () => {
  test("an arm64 machine goes from its first network boot to its arm64 system, with its disk key in NVRAM", {
    timeout: (limitSeconds + 600) * 1000,
  }, async () => {
    const say = sayWithTime();
    await using place = await faultyRack(
      [machineSpec(1, { architecture: "arm64", firmware: "uefi", memoryMiB: 2048, cpus: 1, disks })],
      (_level, message, facts) => say(message, facts),
      (directory) => prepareArm64(directory, () => {}),
    );
    const [machine] = place.rack.machines;
    assert.ok(machine);
    await using server = await place.startServer({
      images: [{ image: streams.arm64, when: { architecture: "arm64" } }, { image: streams.amd64 }],
    });
    await machine.powerOn();
    let said = 0;
    const up = await waitFor("the machine to be up", limitSeconds, () => {
      const record = server.store.byMac(machine.mac);
      for (const { phase, detail } of record?.timeline.slice(said) ?? []) say(`${phase}: ${detail ?? ""}`);
      said = record?.timeline.length ?? 0;
      const failing = reasonFor(record, "failing");
      if (failing !== undefined) throw new Error(failing);
      return record?.phase === "up" ? record : undefined;
    }).catch(async (cause) => {
      throw new Error(await place.console(machine.name), { cause });
    });
    assert.equal(up.architecture, "arm64");
    assert.equal(up.hardware?.architecture, "arm64");
    assert.equal(up.requiredImage, `${streams.arm64}/1`);
    assert.equal(up.runningImage, `${streams.arm64}/1`);
    assert.equal(up.storage?.encryption.kind, "luks2");
    assert.equal(up.storage?.rootDisk.serial, "ROOT1");
    assert.deepEqual(
      up.hardware?.disks.map(({ serial, bus }) => [serial, bus]),
      [["ROOT1", "nvme"]],
    );
    assert.deepEqual(up.conditions, []);
    assert.deepEqual(
      up.timeline.slice(0, 3).map(({ phase, detail }) => `${phase}: ${detail}`),
      ["offered: firmware: loader", "loaderSent: ipxe-arm64.efi", "kernelSent: kernel and initramfs"],
    );
  });
});
