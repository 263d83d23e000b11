import assert from "node:assert/strict";
import { appendFile, copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { bundleForQuickJs } from "../../src/bootstrap-image/program/bundle.ts";
import { writeCpio } from "../../src/core/bytes/cpio.ts";
import type { LabMachine } from "../../src/lab/machine.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { demoConfig } from "../../src/main/demo/plan.ts";
import { importImage } from "../../src/main/image-actions.ts";
import { birther } from "../birth/birther-cli.ts";
import { diskKeyIn } from "../birth/disk-key.ts";
import { faultyRack, withSystemImages } from "../faults/faulty-rack.ts";
import { keptLog, recordOf, type Scene, up } from "../firmware/record-of.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { imageWithNewKernel } from "./image-with-new-kernel.ts";

const spec = machineSpec(1, { firmware: "uefi", tpm: "tpm-crb" });
const storage = { ...demoConfig("").storage, allowUnencrypted: false, sealDiskKey: true };

/** The machine has come up again since then, with this image, and its key is sealed: once off, its firmware holds no plain one. */
async function sealedAgain(
  scene: Scene,
  machine: LabMachine,
  { sinceMs = 0, image = "compute/1", generation = 1 } = {},
) {
  const record = await recordOf(scene, machine, {
    what: `up again with ${image}, and a sealed disk key`,
    seconds: 600,
    // A second poll: by then its agent has confirmed the kernel, so that a power cut is no failed attempt.
    holds: ({ phase, phaseAtMs = 0, lastSeenAtMs, diskKey, runningImage }) =>
      phase === "up" &&
      phaseAtMs > sinceMs &&
      lastSeenAtMs > phaseAtMs + 20_000 &&
      diskKey?.kind === "sealed" &&
      runningImage === image,
  });
  assert.deepEqual([record.generation, record.conditions, record.recovery], [generation, [], undefined]);
  assert.deepEqual(record.measuredBoot, { kind: "asWritten" });
  return record;
}

/** Waits until the firmware holds no plain key any more, and powers the machine off. */
async function offWithoutPlainKey(scene: Scene, machine: LabMachine) {
  const flash = join(dirname(machine.consoleLogPath), "uefi-variables.fd");
  await waitFor("the plain key to be removed", 300, async () =>
    (await diskKeyIn(flash)) === undefined ? true : undefined,
  ).catch(async (cause) => {
    throw new Error(`${scene.said.slice(-40).join("\n")}\n${await scene.place.console(machine.name)}`, { cause });
  });
  await machine.powerOff();
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
    const source = await imageWithNewKernel(place);
    {
      await using server = await place.startServer({ storage });
      const scene = { place, server, said };
      const state = dirname(server.operatorSocket);
      await machine.powerOn();
      const born = await recordOf(scene, machine, up(1));
      await sealedAgain(scene, machine);
      await offWithoutPlainKey(scene, machine);
      const restartedAtMs = Date.now();
      await machine.powerOn();
      await sealedAgain(scene, machine, { sinceMs: restartedAtMs });

      // An update with another kernel: its trial and each boot after it open the key, and nobody helps.
      const ignored = { onProgress: () => {}, onNotCarried: () => {} };
      await importImage({ stateDirectory: state, stream: "compute", source, confidential: false, ...ignored });
      const name = born.hostname ?? assert.fail();
      await birther("set", name, "requiredImage=compute/2", "--state", state);
      await sealedAgain(scene, machine, { image: "compute/2" });
      await machine.kill();
      const cutAtMs = Date.now();
      await machine.powerOn();
      await sealedAgain(scene, machine, { sinceMs: cutAtMs, image: "compute/2" });
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

    // An operator allows a recovery: the plain key is back, opens the disk, and is sealed anew.
    await using server = await place.startServer({ storage });
    const scene = { place, server, said };
    const name = server.store.byMac(machine.mac)?.hostname ?? assert.fail();
    const allowed = await birther("release", name, "--recover", "--state", dirname(server.operatorSocket));
    assert.match(allowed, /its next network boot recovers the disk key/);
    const recoveredAtMs = Date.now();
    // The rebirth that was cancelled has counted.
    const cancelled = { image: "compute/2", generation: 2 };
    await machine.powerOn();
    await recordOf(scene, machine, {
      what: "a signed recovery",
      seconds: 400,
      holds: ({ recovery }) => recovery?.nonce !== undefined,
    });
    await place.consoleShows(machine.name, /the disk key is recovered; restarting/);
    await sealedAgain(scene, machine, { sinceMs: recoveredAtMs, ...cancelled });
    await offWithoutPlainKey(scene, machine);
    const lastAtMs = Date.now();
    await machine.powerOn();
    await sealedAgain(scene, machine, { sinceMs: lastAtMs, ...cancelled });
  });
});
