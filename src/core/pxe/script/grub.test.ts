import assert from "node:assert/strict";
import { test } from "node:test";
import { architectureOf } from "../architecture.ts";
import { testBoot } from "../testing/test-boot.ts";
import { bootDiskScripts } from "./boot-disk.ts";
import { grubConfig, writeGrubInstallScript, writeGrubLocalScript, writeGrubWaitScript } from "./grub.ts";
import { kernelParameters, writeInstallScript } from "./ipxe.ts";

test("GRUB passes the kernel the same arguments as iPXE, except initrd=", () => {
  const parameters = kernelParameters(testBoot).join(" ");
  const grub = writeGrubInstallScript(testBoot);
  assert.ok(grub.includes(`linux /vmlinuz ${parameters};`), grub);
  assert.ok(writeInstallScript(testBoot).includes(` ${parameters} initrd=initramfs.img ||`));
  assert.doesNotMatch(grub, /initrd=/);
  assert.match(parameters, / birther\.time=1800000000 /);
});

test("the second archive is loaded after the initramfs, by iPXE for BIOS and UEFI and by GRUB", () => {
  const withFirmware = { ...testBoot, withFirmware: true };
  const ipxe = writeInstallScript(withFirmware).split("\n");
  assert.ok(ipxe.some((line) => line.includes(" initrd=initramfs.img initrd=firmware.img ||")));
  assert.deepEqual(
    ipxe.filter((line) => line.startsWith("initrd ")),
    ["initramfs.img", "firmware.img"].map((name) => `initrd http://10.77.0.1:80/${name} || goto failed`),
  );
  assert.match(writeGrubInstallScript(withFirmware), /if initrd \/initramfs\.img \/firmware\.img; then boot; fi/);
  assert.match(bootDiskScripts.install(withFirmware), /if initrd \/INITRD\.IMG \/FIRMWARE\.IMG; then boot; fi/);
  assert.doesNotMatch(writeInstallScript(testBoot), /firmware/);
  assert.doesNotMatch(bootDiskScripts.install(testBoot), /FIRMWARE/);
});

test("no GRUB script can end in the firmware's menu: GRUB's exit is a success", () => {
  const wait = writeGrubWaitScript({ kind: "wait", message: 'a $(fan) `is` "broken"; ask Ann\'s', next: "wait" });
  for (const script of [grubConfig, writeGrubInstallScript(testBoot), writeGrubLocalScript(), wait])
    assert.doesNotMatch(script, /\bexit\b/);
  assert.match(writeGrubLocalScript(), /\nreboot\n$/);
  assert.equal(wait, 'echo "Birther: a  (fan)  is   broken , ask Ann s"\necho "Next: wait"\nsleep 30\n');
});

const loaders = [
  [[7], "shimx64.efi"],
  [[9], "shimx64.efi"],
  [[16], "boot/MAC.img"],
  [[0], "undionly.kpxe"],
  [[6], undefined],
  [[11], undefined],
  [[19], undefined],
] as const;
for (const [codes, loader] of loaders)
  test(`architecture ${codes} where all must be signed: ${loader ?? "no loader"}`, () => {
    assert.equal(architectureOf(codes, "debian")?.loader, loader);
  });
