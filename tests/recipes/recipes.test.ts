import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { demoConfig } from "../../src/main/demo/plan.ts";
import { faultyRack, machineOnce } from "../faults/faulty-rack.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { recipeNames } from "./archives.ts";
import { withRecipe } from "./with-recipe.ts";

const minuteMs = 60_000;
const log = () => {};

/** A layout with both file systems, and the disk that it takes beside the root disk. */
const layout = {
  ...{ name: "storage", swapMiB: 128 },
  volumes: [{ name: "docker", sizeMiB: 512, mountPoint: "/var/lib/docker" }],
  data: [{ fileSystem: "xfs" as const, mountPoint: "/srv/disk{n}", least: 1 }],
};
const dataDisk = { bus: "virtio", sizeMiB: 1024, serial: "DATA1" } as const;

await insideNamespace(import.meta.url, () => {
  for (const name of recipeNames) {
    test(`recipe ${name}: a UEFI machine is born with the image, and starts its kernel from its own disk`, {
      timeout: 25 * minuteMs,
    }, async () => {
      const root = { bus: "nvme", sizeMiB: 8 * 1024, serial: "ROOT1" } as const;
      const hasData = name === "storage";
      const disks = hasData ? [root, dataDisk] : [root];
      const spec = machineSpec(1, { firmware: "uefi", memoryMiB: 1536, disks });
      await using setUp = await faultyRack([spec], log, (directory) => withRecipe(directory, name));
      const { storage } = demoConfig(setUp.directory);
      await using server = await setUp.startServer(
        hasData
          ? { images: [{ image: name, layout: layout.name }], storage: { ...storage, layouts: [layout] } }
          : { images: [{ image: name }] },
      );
      await setUp.rack.machines[0]?.powerOn();
      const machine = await machineOnce({ rack: setUp, server }, spec, {
        what: "the machine to be up with its image",
        seconds: 1400,
        holds: ({ phase }) => phase === "up",
      });
      assert.equal(machine.runningImage, `${name}/1`);
      assert.deepEqual(machine.conditions, []);
      if (hasData) {
        await setUp.consoleShows(spec.name, /XFS \(dm-\d+\): Ending clean mount/);
        assert.deepEqual(
          machine.storage?.volumes?.map((volume) => [volume.name, volume.disk.serial, volume.mountPoint]),
          [
            ["swap", "ROOT1", undefined],
            ["docker", "ROOT1", "/var/lib/docker"],
            ["data1", "DATA1", "/srv/disk1"],
          ],
        );
      }
    });
  }
});
