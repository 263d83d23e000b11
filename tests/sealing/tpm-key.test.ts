import assert from "node:assert/strict";
import { open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import type { ErasureStatement } from "../../src/core/erasure/erasure.ts";
import { trustOf } from "../../src/core/machine/trust.ts";
import type { LabMachine } from "../../src/lab/machine.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { demoConfig } from "../../src/main/demo/plan.ts";
import { importImage } from "../../src/main/image-actions.ts";
import { birther } from "../birth/birther-cli.ts";
import { faultyRack, withSystemImages } from "../faults/faulty-rack.ts";
import { keptLog, recordOf, type Scene, up } from "../firmware/record-of.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { imageWithNewKernel } from "./image-with-new-kernel.ts";

const spec = machineSpec(1, { firmware: "bios", tpm: "tpm-tis" });
const uefi = machineSpec(2, { firmware: "uefi", tpm: "tpm-crb" });
const storage = { ...demoConfig("").storage, allowUnencrypted: false };
/** Where the root partition begins: after the loader's and the boot partition. */
const rootAt = (1 + 1 + (storage.bootMiB ?? 0)) * 2 ** 20;
/** A start under an emulator, beside others. */
const seconds = 900;

/** The machine has come up again since then with this image; a second poll, so that its agent has confirmed the kernel. */
async function upAgain(scene: Scene, machine: LabMachine, { sinceMs = 0, image = "compute/1" }): Promise<void> {
  const { conditions } = await recordOf(scene, machine, {
    what: `up again with ${image}`,
    seconds,
    holds: ({ phase, phaseAtMs = 0, lastSeenAtMs, runningImage }) =>
      phase === "up" && phaseAtMs > sinceMs && lastSeenAtMs > phaseAtMs + 20_000 && runningImage === image,
  });
  assert.deepEqual(conditions, []);
}

await insideNamespace(import.meta.url, () => {
  test("a BIOS machine keeps its disk key in swtpm: it starts again, after a power cut and with another kernel, and a rebirth destroys the key", {
    timeout: 55 * 60_000,
  }, async () => {
    const { said, log } = keptLog();
    await using place = await faultyRack([spec], log, withSystemImages);
    const [machine] = place.rack.machines;
    assert.ok(machine);
    await using server = await place.startServer({ storage });
    const scene = { place, server, said };
    await machine.powerOn();
    const born = await recordOf(scene, machine, up(1, 2 * seconds));
    assert.deepEqual(born.storage?.encryption, { kind: "luks2", keyIn: "tpm" });
    assert.equal(trustOf(born).disk, "tpm-key");
    await using disk = await open(machine.diskPaths[0] ?? "");
    const { buffer } = await disk.read({ buffer: Buffer.alloc(4), position: rootAt });
    assert.equal(buffer.toString("latin1"), "LUKS");

    await machine.powerOff();
    const offAtMs = Date.now();
    await machine.powerOn();
    await upAgain(scene, machine, { sinceMs: offAtMs });
    await machine.kill();
    const cutAtMs = Date.now();
    await machine.powerOn();
    await upAgain(scene, machine, { sinceMs: cutAtMs });

    const state = dirname(server.operatorSocket);
    const source = await imageWithNewKernel(place);
    const ignored = { onProgress: () => {}, onNotCarried: () => {} };
    await importImage({ stateDirectory: state, stream: "compute", source, confidential: false, ...ignored });
    const name = born.hostname ?? assert.fail();
    const updateAtMs = Date.now();
    await birther("set", name, "requiredImage=compute/2", "--state", state);
    await upAgain(scene, machine, { sinceMs: updateAtMs, image: "compute/2" });
    assert.match(await birther("show", name, "--state", state), /LUKS2, key in the TPM/);

    await server.store.apply({ kind: "rebirthAsked", id: born.id, by: "test" });
    await machine.kill();
    await machine.powerOn();
    await recordOf(scene, machine, up(2, 2 * seconds));
    const exported = JSON.parse(await birther("erasures", "-o", "json", "--state", state)) as readonly {
      readonly facts: ErasureStatement;
    }[];
    const keys = exported.flatMap(({ facts }) => facts.steps).filter(({ method }) => method === "keyDestroyed");
    assert.deepEqual(
      keys.map(({ what, found, verification }) => [what, found, verification.kind]),
      [["1 disk key in the TPM (NV index)", 1, "verified"]],
    );
    const shown = await readFile(machine.consoleLogPath, "latin1");
    assert.ok(!shown.includes("the disk key stays readable in this boot"), "each start locked the key");
  });

  test("with prefer a UEFI machine keeps its disk key in swtpm, and starts again", {
    timeout: 25 * 60_000,
  }, async () => {
    const { said, log } = keptLog();
    await using place = await faultyRack([uefi], log, withSystemImages);
    const [machine] = place.rack.machines;
    assert.ok(machine);
    await using server = await place.startServer({ storage: { ...storage, diskKeyInTpm: "prefer" } });
    const scene = { place, server, said };
    await machine.powerOn();
    const born = await recordOf(scene, machine, up(1, seconds));
    assert.deepEqual(born.storage?.encryption, { kind: "luks2", keyIn: "tpm" });
    await machine.kill();
    const cutAtMs = Date.now();
    await machine.powerOn();
    await upAgain(scene, machine, { sinceMs: cutAtMs });
  });
});
