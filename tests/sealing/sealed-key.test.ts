import assert from "node:assert/strict";
import { appendFile, copyFile } from "node:fs/promises";
import { test } from "node:test";
import { bundleForQuickJs } from "../../src/bootstrap-image/program/bundle.ts";
import { writeCpio } from "../../src/core/bytes/cpio.ts";
import type { LabMachine } from "../../src/lab/machine.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { faultyRack, withSystemImages } from "../faults/faulty-rack.ts";
import { keptLog, recordOf, type Scene, up } from "../firmware/record-of.ts";
import { insideNamespace } from "../support/inside-namespace.ts";

const spec = machineSpec(1, { firmware: "uefi", tpm: "tpm-crb" });
const storage = { allowUnencrypted: false, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256, sealDiskKey: true };

/** The machine's key is sealed, after it has come up again. */
async function sealedAgain(scene: Scene, machine: LabMachine, sinceMs: number) {
  const record = await recordOf(scene, machine, {
    what: "up again, with a sealed disk key",
    seconds: 600,
    holds: ({ phase, phaseAtMs = 0, diskKey }) => phase === "up" && phaseAtMs > sinceMs && diskKey?.kind === "sealed",
  });
  assert.deepEqual([record.generation, record.conditions], [1, []]);
  return record;
}

await insideNamespace(import.meta.url, () => {
  test("swtpm gives a sealed disk key to the disk's own system, and not to a stranger's from the wire; a recovery opens the disk again", {
    timeout: 60 * 60_000,
  }, async () => {
    const { said, log } = keptLog();
    await using place = await faultyRack([spec], log, withSystemImages);
    const [machine] = place.rack.machines;
    assert.ok(machine);
    const original = `${place.initramfsPath}.original`;
    await copyFile(place.initramfsPath, original);
    {
      await using server = await place.startServer({ storage });
      const scene = { place, server, said };
      await machine.powerOn();
      const born = await recordOf(scene, machine, up(1));
      assert.deepEqual(born.measuredBoot, { kind: "asWritten" });
      await sealedAgain(scene, machine, 0);
      await machine.powerOff();
      const restartedAtMs = Date.now();
      await machine.powerOn();
      await sealedAgain(scene, machine, restartedAtMs);
      await server.store.apply({ kind: "rebirthAsked", id: born.id, by: "test" });
      await machine.powerOff();
    }

    // A stranger answers instead of the server; the order that would let it boot is never taken.
    const script = await bundleForQuickJs({ entry: new URL("./foreign-init.ts", import.meta.url).pathname });
    await appendFile(
      place.initramfsPath,
      writeCpio([{ kind: "file", path: "usr/lib/birther/init.js", mode: 0o644, bytes: script }]),
    );
    {
      await using server = await place.startServer({ storage });
      await machine.powerOn();
      const asked = { what: "the stranger's kernel", seconds: 300 };
      await recordOf({ place, server, said }, machine, { ...asked, holds: ({ phase }) => phase === "kernelSent" });
      await place.consoleShows(machine.name, /foreign: the key is closed by PCR 4/, 240);
      await place.consoleShows(machine.name, /foreign: plain key absent/);
      await machine.kill();
      const { id } = server.store.byMac(machine.mac) ?? assert.fail();
      await server.store.apply({ kind: "rebirthCancelled", id, by: "test" });
    }
    await copyFile(original, place.initramfsPath);

    // An operator allows a recovery: the plain key is back, and opens the disk.
    await using server = await place.startServer({ storage });
    const scene = { place, server, said };
    const { id } = server.store.byMac(machine.mac) ?? assert.fail();
    await server.store.apply({ kind: "recoveryAllowed", id, by: "test" });
    const recoveredAtMs = Date.now();
    await machine.powerOn();
    await recordOf(scene, machine, {
      what: "a signed recovery",
      seconds: 400,
      holds: ({ recovery }) => recovery?.nonce !== undefined,
    });
    await place.consoleShows(machine.name, /the disk key is recovered; restarting/);
    const again = await recordOf(scene, machine, {
      what: "up after the recovery",
      seconds: 600,
      holds: ({ phase, phaseAtMs = 0 }) => phase === "up" && phaseAtMs > recoveredAtMs,
    });
    assert.deepEqual([again.recovery, again.conditions, again.measuredBoot], [undefined, [], { kind: "asWritten" }]);
  });
});
