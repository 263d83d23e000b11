import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { test } from "node:test";
import type { ErasureStatement } from "../../src/core/erasure/erasure.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { faultyRack } from "../faults/faulty-rack.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { healthy, keptLog, recordOf } from "./record-of.ts";

const mebibyte = 2 ** 20;
const storage = machineSpec(1, {
  firmware: "bios",
  disks: [
    { bus: "nvme", sizeMiB: 8192, serial: "ROOT1" },
    { bus: "nvme", sizeMiB: 10_240, serial: "DATA1" },
    { bus: "nvme", sizeMiB: 12_288, serial: "DATA2" },
  ],
});

/** Writes old data to a disk of a machine without power, where nothing of a birth lies. */
async function plant(path: string): Promise<void> {
  const file = await open(path, "r+");
  await file.write(Buffer.alloc(mebibyte, "old data"), 0, mebibyte, 7000 * mebibyte);
  await file.close();
}

async function holdsOldData(path: string): Promise<boolean> {
  const file = await open(path, "r");
  const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 7000 * mebibyte);
  await file.close();
  return buffer.toString() === "old data";
}

await insideNamespace(import.meta.url, () => {
  test("NVMe disks of QEMU format themselves at a clean: the statements say so, and the old data is gone from their files", {
    timeout: 45 * 60_000,
  }, async () => {
    const { said, log } = keptLog();
    await using place = await faultyRack([storage], log);
    await using server = await place.startServer();
    const scene = { place, server, said };
    const [machine] = place.rack.machines;
    assert.ok(machine);
    await machine.powerOn();
    const born = await recordOf(scene, machine, healthy(1));
    assert.equal(born.storage?.rootDisk.serial, "ROOT1");
    await machine.kill();
    for (const path of machine.diskPaths) await plant(path);

    await server.store.apply({ kind: "cleanAsked", id: born.id, by: "test", sanitize: "require", allDisks: true });
    await machine.powerOn();
    await recordOf(scene, machine, healthy(2));
    await machine.kill();
    const held = await Promise.all(machine.diskPaths.map(holdsOldData));
    assert.deepEqual(held, [false, false, false]);

    const statements = server.store
      .documents("erasure")
      .map(({ document }) => JSON.parse(document.statement) as ErasureStatement);
    const outcomes = statements.map(({ disk, outcome }) => `${disk.serial} ${outcome.kind}`);
    assert.deepEqual(outcomes.sort(), ["DATA1 sanitized", "DATA2 sanitized", "ROOT1 sanitized"]);
    for (const { steps } of statements) {
      const step = steps.find(({ method }) => method === "nvmeFormat") ?? assert.fail("no Format NVM");
      assert.equal(step.what, "NVMe Format with user data erase of namespace 1");
      assert.equal(
        step.verification.kind === "verified" ? step.verification.how : "",
        "the command completed without an error; none of 64 marks that were written before is left",
      );
    }
  });
});
