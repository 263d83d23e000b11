import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import type { LabMachine } from "../../src/lab/machine.ts";
import { type MachineSpec, machineSpec } from "../../src/lab/machine-spec.ts";
import { demoConfig } from "../../src/main/demo/plan.ts";
import { faultyRack, withSystemImages } from "../faults/faulty-rack.ts";
import { debian13, saidOfFirmware } from "../support/images-of-tests.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { chosenFirmware } from "../support/machine-firmware.ts";
import { damageKernel } from "./damage-kernel.ts";
import { healthy, inInit, keptLog, loaderPhases, recordOf, up } from "./record-of.ts";

const networks = demoConfig("/nowhere").networks.map((network) => ({ ...network, secureBoot: true }));

/** Two machines, of the release in MACHINE_FIRMWARE or with this computer's firmware. */
function machinesWith(firmware: Pick<MachineSpec, "firmwareTree">) {
  const secure = { firmware: "uefi", secureBoot: true, ...firmware } as const;
  const byTftp = machineSpec(1, {
    ...{ ...secure, tpm: "tpm-tis" },
    disks: [{ bus: "nvme", sizeMiB: 8192, serial: "ROOT1" }],
  });
  return [byTftp, machineSpec(2, { ...secure, bootFrom: "http" })];
}

const consoleOf = ({ consoleLogPath }: Pick<LabMachine, "consoleLogPath">) => readFile(consoleLogPath, "utf8");

/**
 * How many kernels have started. Each must have reported that the firmware enforces Secure Boot: it used signed programs. A
 * starved machine may be reset by its watchdog and start once more.
 */
async function signedStarts(machine: LabMachine): Promise<number> {
  const console = await consoleOf(machine);
  const kernels = console.match(/Linux version /g)?.length ?? 0;
  assert.equal(console.match(/secureboot: Secure boot enabled/g)?.length ?? 0, kernels, "each of them");
  return kernels;
}

await insideNamespace(import.meta.url, () => {
  test("OVMF with Microsoft's keys: birth and rebirth by TFTP; beside it UEFI HTTP boot to init", {
    timeout: 80 * 60_000,
  }, async (t) => {
    const { said, log } = keptLog();
    const { version, ...firmware } = await chosenFirmware();
    await using place = await faultyRack(machinesWith(firmware), log, (made) => withSystemImages(made, debian13));
    const [born, other] = place.rack.machines;
    assert.ok(born && other);
    await using server = await place.startServer({ networks });
    const scene = { place, server, said };
    await Promise.all([born.powerOn(), other.powerOn()]);

    const toInit = async () => {
      assert.deepEqual(loaderPhases(await recordOf(scene, other, inInit())), [
        "offered: httpBoot: loader",
        "loaderSent: boot disk: shim and GRUB",
        "kernelSent: kernel and initramfs",
      ]);
      assert.ok((await signedStarts(other)) >= 1);
      assert.match(await consoleOf(other), saidOfFirmware, "on the disk of HTTP boot");
      await other.kill();
    };
    const [first] = await Promise.all([recordOf(scene, born, up(1)), toInit()]);
    assert.deepEqual(loaderPhases(first), [
      "offered: firmware: loader",
      "loaderSent: shimx64.efi",
      "kernelSent: kernel and initramfs",
    ]);
    assert.match(await consoleOf(born), saidOfFirmware, "by TFTP");
    const [bios = assert.fail("no kernel named its firmware")] = (await consoleOf(born)).match(/DMI: .*BIOS .*/) ?? [];
    assert.match(bios, version);
    t.diagnostic(bios.trim());
    assert.equal(first.hardware?.secureBoot, true);
    assert.equal(first.storage?.encryption.kind, "luks2");
    assert.deepEqual(first.measuredBoot, { kind: "asWritten" }, "what Debian's GRUB measured");
    assert.ok((await signedStarts(born)) >= 2, "the Bootstrap Image's kernel, then the system image's");

    // A changed kernel does not run; and no machine waits in a menu for a key press.
    await born.powerOff();
    await damageKernel(born.diskPaths[0] ?? assert.fail());
    const kernels = await signedStarts(born);
    await born.powerOn();
    await place.consoleShows(born.name, /cannot be started; restarting/, 900);
    const before = server.store.byMac(born.mac)?.pxe.requests ?? assert.fail();
    await recordOf(scene, born, {
      what: "asked again after GRUB has given its kernel up",
      seconds: 900,
      holds: ({ pxe }) => pxe.requests > before,
    });
    assert.equal(await signedStarts(born), kernels);

    // It asks at each of its restarts, so its rebirth needs no hand.
    await server.store.apply({ kind: "rebirthAsked", id: first.id, by: "test" });
    await recordOf(scene, born, healthy(2));
    assert.ok((await signedStarts(born)) > kernels);
    const asked = said.filter((line) => line.startsWith("TFTP")).map((line) => /"file":"([^"]*)"/.exec(line)?.[1]);
    t.diagnostic(`asked by TFTP: ${[...new Set(asked)].join(" ")}`);
  });
});
