import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeSecureBootKey, secureBootFiles } from "../../src/bootstrap-image/secure-boot/key.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { demoConfig } from "../../src/main/demo/plan.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { faultyRack, withSystemImages } from "../faults/faulty-rack.ts";
import { debian13, saidOfFirmware } from "../support/images-of-tests.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { keptLog, loaderPhases, recordOf, up } from "./record-of.ts";

const networks = demoConfig("/nowhere").networks.map(
  (network) => ({ ...network, secureBoot: true, secureBootKey: "own" }) as const,
);

await insideNamespace(import.meta.url, () => {
  test("OVMF that trusts only the site's key is born by the signed image, and starts its disk", {
    timeout: 45 * 60_000,
  }, async () => {
    const keys = await mkdtemp(join(tmpdir(), "birther-keys-"));
    await using life = new AsyncDisposableStack();
    life.defer(() => rm(keys, { recursive: true }));
    await makeSecureBootKey(keys, Date.now());
    const own = { firmware: "uefi", secureBoot: true, onlyTrusts: secureBootFiles(keys).der } as const;
    // Sectors of 4096 bytes: partitions, file systems and GRUB on real firmware.
    const disks = [{ bus: "nvme", sizeMiB: 8192, serial: "ROOT1", sectorBytes: 4096 }] as const;
    const { said, log } = keptLog();
    const place = life.use(
      await faultyRack(
        [machineSpec(1, { ...own, bootFrom: "http", disks, tpm: "tpm-crb" })],
        log,
        async (directory) => {
          await cp(keys, pathsIn(join(directory, "state")).secureBoot, { recursive: true });
          await withSystemImages(directory, debian13);
        },
      ),
    );
    const [machine] = place.rack.machines;
    assert.ok(machine);
    await using server = await place.startServer({ networks });
    await machine.powerOn();
    const born = await recordOf({ place, server, said }, machine, up(1));
    assert.deepEqual(loaderPhases(born).slice(0, 2), ["offered: httpBoot: loader", "kernelSent: signed image"]);
    assert.equal(born.hardware?.secureBoot, true);
    assert.equal(born.hardware?.bootTrust, "signed-image");
    assert.equal(born.storage?.encryption.kind, "luks2");
    assert.equal(born.hardware?.disks[0]?.sectorBytes, 4096);
    assert.deepEqual(born.measuredBoot, { kind: "asWritten" }, "what its own GRUB measured");
    const console = await readFile(machine.consoleLogPath, "utf8");
    assert.match(console, saidOfFirmware, "under the same signature");
    // The signed image's kernel, and the system image's. A starved machine may be reset by its watchdog and start once more.
    const kernels = console.match(/Linux version /g) ?? [];
    const enforced = console.match(/secureboot: Secure boot enabled/g) ?? [];
    assert.ok(kernels.length >= 2, `${kernels.length} kernels`);
    assert.equal(enforced.length, kernels.length, "each of them");
  });
});
