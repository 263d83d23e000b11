import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { importImages } from "../../src/dominator/import/image.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { prepareServer } from "../../src/main/server/prepare-server.ts";
import { faultyRack } from "../faults/faulty-rack.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { archiveFor, recipeNames } from "./archives.ts";

const minuteMs = 60_000;
const log = () => {};

/** Imports the archive of a recipe into a new state directory. */
async function prepare(directory: string, name: (typeof recipeNames)[number]): Promise<void> {
  const stateDirectory = join(directory, "state");
  await prepareServer({ stateDirectory, log, verb: "image build" });
  const paths = pathsIn(stateDirectory);
  await importImages({
    images: await openImageStore(paths.images, { log }),
    objects: await openObjectStore(paths.objects),
    ...{ source: await archiveFor(name, log), streams: [name], nowMs: Date.now() },
  });
}

await insideNamespace(import.meta.url, () => {
  for (const name of recipeNames) {
    test(`recipe ${name}: a UEFI machine is born with the image, and starts its kernel from its own disk`, {
      timeout: 25 * minuteMs,
    }, async () => {
      const root = { bus: "nvme", sizeMiB: 8 * 1024, serial: "ROOT1" } as const;
      const spec = machineSpec(1, { firmware: "uefi", memoryMiB: 1536, disks: [root] });
      await using setUp = await faultyRack([spec], log, (directory) => prepare(directory, name));
      await using server = await setUp.startServer({ images: [{ image: name }] });
      await setUp.rack.machines[0]?.powerOn();
      const machine = await waitFor("the machine to be up with its image", 1400, () => {
        const found = server.store.byMac(spec.mac);
        return found?.phase === "up" ? found : undefined;
      }).catch(async (cause) => {
        throw new Error(await setUp.console(spec.name), { cause });
      });
      assert.equal(machine.runningImage, `${name}/1`);
      assert.deepEqual(machine.conditions, []);
    });
  }
});
