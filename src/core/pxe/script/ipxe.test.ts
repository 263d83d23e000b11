import assert from "node:assert/strict";
import { test } from "node:test";
import { machineArchitectures } from "../../machine/architecture.ts";
import { testBoot } from "../testing/test-boot.ts";
import { imagePathsOf, planWithoutImage, writeInstallScript, writeLocalScript } from "./ipxe.ts";

test("the script that sends a machine to its disk names the BIOS drive of its root disk", () => {
  const driveOf = (text: string) => /sanboot .*--drive (\S+)/.exec(text)?.[1];
  assert.equal(driveOf(writeLocalScript("scriptSanboot", "bios", 0x81)), "0x81");
  assert.equal(driveOf(writeLocalScript("scriptSanboot", "bios")), "0x80");
  assert.equal(driveOf(writeLocalScript("scriptSanboot", "uefi", 0x81)), "0");
  assert.equal(driveOf(writeLocalScript("scriptExit", "bios", 0x81)), undefined);
});

test("each architecture gets the kernel and the initramfs of its own image, and no other", () => {
  const paths = machineArchitectures.map(imagePathsOf);
  assert.equal(new Set(paths.flatMap(({ kernel, initramfs }) => [kernel, initramfs])).size, 2 * paths.length);
  for (const architecture of machineArchitectures) {
    const script = writeInstallScript({ ...testBoot, architecture });
    const fetched = [...script.matchAll(/http:\/\/10\.77\.0\.1:80(\S+)/g)].map(([, path]) => path);
    const { kernel, initramfs } = imagePathsOf(architecture);
    assert.deepEqual(fetched, [kernel, initramfs]);
    assert.match(script, / initrd=initramfs\.img \|\|/, "iPXE names an archive by the end of its path");
  }
  assert.equal(writeInstallScript(testBoot), writeInstallScript({ ...testBoot, architecture: "amd64" }));
});

test("the port for log lines is named only where there is one", () => {
  assert.doesNotMatch(writeInstallScript(testBoot), /birther\.log/);
  const withLog = writeInstallScript({ ...testBoot, ports: { ...testBoot.ports, log: 514 } });
  assert.match(withLog, / birther\.log=10\.77\.0\.1:514 /);
});

test("the firmware is asked which disks it sees before the kernel, and the birth goes on without an answer", () => {
  assert.doesNotMatch(writeInstallScript(testBoot), /disk-list/);
  const lines = writeInstallScript({ ...testBoot, withDiskList: true }).split("\n");
  const at = lines.indexOf("chain --autofree http://10.77.0.1:80/disk-list.efi ||");
  assert.ok(at > 0 && (lines[at + 1] ?? "").startsWith("kernel "));
});

test("on arm64 the firmware names the consoles", () => {
  assert.match(writeInstallScript(testBoot), / console=tty0 console=ttyS0,115200n8 panic=30 /);
  assert.doesNotMatch(writeInstallScript({ ...testBoot, architecture: "arm64" }), /console=/);
});

test("a machine without a Bootstrap Image waits, and its script names the command that makes one", () => {
  const plan = planWithoutImage("arm64");
  assert.ok(plan.kind === "wait");
  assert.match(plan.message, /no Bootstrap Image for arm64/);
  assert.match(plan.next, /birther image build --arch arm64$/);
});
