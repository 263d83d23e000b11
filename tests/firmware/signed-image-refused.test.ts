import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fetchKernel } from "../../src/bootstrap-image/kernel/kernel.ts";
import { findSecureBootKey, makeSecureBootKey, secureBootFiles } from "../../src/bootstrap-image/secure-boot/key.ts";
import { signEfi } from "../../src/bootstrap-image/secure-boot/sign.ts";
import { makeSignedImage } from "../../src/bootstrap-image/secure-boot/signed-image.ts";
import { signedCommandLine } from "../../src/core/birth/signed-command-line.ts";
import { machineSpec } from "../../src/lab/machine-spec.ts";
import { cacheDirectory } from "../../src/main/paths.ts";
import { debianOf } from "../support/debian.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { firmwareTreeOf } from "../support/machine-firmware.ts";
import { bootEnvironment, rackNetwork } from "./boot-environment.ts";

const network = rackNetwork({ secureBoot: true, secureBootKey: "own" });
const started = "EFI stub: UEFI Secure Boot is enabled";
const refused = /Access Denied/;

/** Replaces some bytes of an image that occur in it once. */
function changed(image: Uint8Array, before: string | Uint8Array, after: string | Uint8Array): Uint8Array {
  const copy = Buffer.from(image);
  const at = copy.indexOf(before);
  assert.ok(at >= 0 && copy.indexOf(before, at + 1) < 0 && before.length === after.length);
  copy.set(Buffer.from(after), at);
  return copy;
}

await insideNamespace(import.meta.url, () => {
  test("Debian 13's OVMF that trusts only the site's key starts the signed image, and no other", {
    timeout: 60 * 60_000,
  }, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "birther-signed-"));
    await using life = new AsyncDisposableStack();
    life.defer(() => rm(directory, { recursive: true }));
    const log = () => {};
    const keyIn = async (name: string) => {
      await makeSecureBootKey(join(directory, name), Date.now());
      return (await findSecureBootKey(join(directory, name))) ?? assert.fail();
    };
    const [own, foreign] = [await keyIn("own"), await keyIn("foreign")];
    const debian = await debianOf();
    const kernel = await readFile((await fetchKernel({ debian, cacheDirectory, log })).path);
    // An initramfs that only the bytes matter of: the kernel starts before it reads it.
    const unsigned = await makeSignedImage(
      { kernel, initramfs: Buffer.from("initramfs of the site") },
      { debian, cacheDirectory },
    );
    const signed = await signEfi(unsigned, own);
    const inside = kernel.subarray(1_000_000, 1_000_064);
    const images: readonly (readonly [title: string, image: Uint8Array, starts: boolean])[] = [
      ["signed", signed, true],
      [
        "one byte of the kernel is changed",
        changed(
          signed,
          inside,
          inside.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
        ),
        false,
      ],
      ["another initramfs", changed(signed, "initramfs of the site", "initramfs of a thief."), false],
      [
        "another command line",
        changed(signed, signedCommandLine, signedCommandLine.replace("panic=30", "rdinit=/")),
        false,
      ],
      ["signed with another key", await signEfi(unsigned, foreign), false],
      ["not signed", unsigned, false],
    ];
    const { der } = secureBootFiles(join(directory, "own"));
    const firmware = { firmware: "uefi", firmwareTree: await firmwareTreeOf("trixie"), bootFrom: "http" } as const;
    const spec = machineSpec(1, { ...firmware, secureBoot: true, onlyTrusts: der, disks: [] });
    const signedImage = join(directory, "birther.efi");
    for (const [title, image, starts] of images) {
      await writeFile(signedImage, image);
      await using boot = await bootEnvironment({ machines: [spec], network, signedImage });
      const [machine] = boot.rack.machines;
      assert.ok(machine);
      await machine.powerOn();
      const startedMs = Date.now();
      const console = await waitFor(`${title}: the end of the firmware`, 600, async () => {
        const text = await readFile(machine.consoleLogPath, "utf8");
        return refused.test(text) || text.includes(started) ? text : undefined;
      });
      assert.equal(console.includes(started), starts, title);
      const isSent = () => boot.store.byMac(machine.mac)?.phase === "kernelSent";
      await waitFor(`${title}: the firmware had the whole image`, 60, () => isSent() || undefined);
      t.diagnostic(`${title}: ${starts ? "started" : "refused"} after ${Date.now() - startedMs} ms`);
    }
  });
});
