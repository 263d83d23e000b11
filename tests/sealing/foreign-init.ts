// The initramfs of a stranger who answers PXE, for sealed-key.test.ts: reads what the firmware gives to any kernel, copies what
// GRUB measures into PCR 8, and tries to unseal the disk key with Birther's own code.
import * as host from "host";
import { diskKeyVariable, sealedKeyVariable } from "../../src/core/boot-loader/efi-variable.ts";
import { measureGrub } from "../../src/core/boot-loader/grub-measurements.ts";
import { encodeUtf8 } from "../../src/core/bytes/utf8.ts";
import { transact } from "../../src/core/tpm/dialogue.ts";
import { extendPcr } from "../../src/core/tpm/seal-command.ts";
import { unsealKey } from "../../src/core/tpm/seal-session.ts";
import { readSealedKey } from "../../src/core/tpm/sealed-key.ts";
import { messageOf } from "../../src/init/birth/stop.ts";
import { openConsole } from "../../src/init/device/console.ts";
import { openEfiVariables, readKeyVariable } from "../../src/init/device/firmware/efi.ts";
import { withTpm } from "../../src/init/device/firmware/tpm.ts";
import { openDrivers } from "../../src/init/device/kernel/drivers.ts";
import { mountKernelFileSystems } from "../../src/init/device/mounts.ts";
import { sleepMs } from "../../src/init/system/clock.ts";
import { readText } from "../../src/init/system/files.ts";
import { sha256 } from "../../src/init/system/sha256.ts";

mountKernelFileSystems();
const console = openConsole();
const drivers = openDrivers(console.log);

/** Any kernel may extend a PCR. */
const extend = (pcr: number, text: string) =>
  transact("PCR_Extend", extendPcr(pcr, sha256(encodeUtf8(text))), () => true);

try {
  drivers.loadForDevices();
  drivers.load(["efivarfs", "ext4"]);
  openEfiVariables(drivers);
  console.show([`foreign: plain key ${readKeyVariable(diskKeyVariable) === undefined ? "absent" : "PRESENT"}`]);
  const sealed = readSealedKey(readKeyVariable(sealedKeyVariable) ?? new Uint8Array());
  if (sealed === undefined) throw new Error("no sealed key");
  host.mount("/dev/vda2", "/tmp", "ext4", 1, "");
  const path = "/grub/grub.cfg";
  const measured = measureGrub(readText(`/tmp${path}`), { path, environment: new Map(), canWrite: true });
  if ("unknown" in measured) throw new Error(measured.unknown);
  const found = withTpm((hold) => {
    for (const text of measured.commands) hold(extend(8, text));
    return hold(unsealKey(sealed, new Uint8Array(host.randomBytes(32)), sha256));
  });
  const pcr = (each: number) => readText(`/sys/class/tpm/tpm0/pcr-sha256/${each}`).trim();
  console.show([4, 8, 9].map((each) => `foreign: PCR ${each} ${pcr(each)}`));
  console.show([
    `foreign: the key is ${found.kind === "opened" ? "OPENED" : `closed by PCR ${found.pcrs.join(" and ")}`}`,
  ]);
} catch (error) {
  console.show([`foreign: failed: ${messageOf(error)}`]);
}
for (;;) sleepMs(1000);
