import assert from "node:assert/strict";
import { test } from "node:test";
import { machineSpec } from "./machine-spec.ts";
import { chooseAccelerator, type MachineFiles, qemuArguments, qemuProgram } from "./qemu-arguments.ts";

const files: MachineFiles = {
  disks: ["/r/disk0.raw", "/r/disk1.raw"],
  diskSockets: ["/r/disk0.sock", "/r/disk1.sock"],
  consoleLog: "/r/console.log",
  consoleSocket: "/r/console.sock",
  tpmState: "/r/tpm",
  tpmSocket: "/r/tpm.sock",
  ovmfCode: "/f/code.fd",
  ovmfVariables: "/r/vars.fd",
};

/** The values of an option, in order. */
const valuesOf = (argv: readonly string[], option: string) =>
  argv.flatMap((word, i) => (argv[i - 1] === option ? [word] : []));

test("a BIOS machine boots its network first, by QEMU's boot order", () => {
  const argv = qemuArguments(machineSpec(1), "tap1", files, "tcg");
  const devices = valuesOf(argv, "-device");
  assert.ok(devices.includes("virtio-net-pci,netdev=net0,mac=52:54:00:b1:00:01,bootindex=1"));
  assert.ok(devices.includes("virtio-blk-pci,drive=disk0,serial=DISK0001A,bootindex=2"));
  assert.deepEqual(valuesOf(argv, "-drive").length, 1, "no firmware volume");
});

test("a machine may have the ROMs of another release", () => {
  const argv = qemuArguments(machineSpec(1), "tap1", { ...files, roms: "/t/roms" }, "tcg");
  assert.deepEqual(valuesOf(argv, "-L"), ["/t/roms"]);
  assert.deepEqual(valuesOf(qemuArguments(machineSpec(1), "tap1", files, "tcg"), "-L"), []);
});

test("a UEFI machine has EDK2's own PXE and its own boot order in NVRAM", () => {
  const argv = qemuArguments(machineSpec(2, { firmware: "uefi" }), "tap2", files, "tcg");
  assert.ok(valuesOf(argv, "-device").includes("virtio-net-pci,netdev=net0,mac=52:54:00:b1:00:02,romfile="));
  assert.ok(!argv.some((word) => word.includes("bootindex")));
  assert.deepEqual(valuesOf(argv, "-drive").slice(0, 2), [
    "if=pflash,unit=0,format=raw,readonly=on,file=/f/code.fd",
    "if=pflash,unit=1,format=raw,file=/r/vars.fd",
  ]);
});

test("HTTP boot: OVMF without PXE; Secure Boot: variables that only SMM writes", () => {
  const http = qemuArguments(machineSpec(2, { firmware: "uefi", bootFrom: "http" }), "tap2", files, "tcg");
  assert.deepEqual(valuesOf(http, "-fw_cfg"), [
    "name=opt/org.tianocore/IPv4PXESupport,string=no",
    "name=opt/org.tianocore/IPv6PXESupport,string=no",
  ]);
  const secure = qemuArguments(machineSpec(2, { firmware: "uefi", secureBoot: true }), "tap2", files, "tcg");
  assert.deepEqual(valuesOf(secure, "-machine"), ["q35,graphics=off,smm=on"]);
  assert.deepEqual(valuesOf(secure, "-global"), ["driver=cfi.pflash01,property=secure,value=on"]);
  assert.deepEqual(valuesOf(secure, "-fw_cfg"), []);
});

test("each bus attaches its disk with the serial", () => {
  const disks = (["nvme", "ahci", "scsi"] as const).map((bus) => ({ bus, sizeMiB: 1, serial: `S-${bus}` }));
  const devices = valuesOf(qemuArguments(machineSpec(3, { disks }), "tap3", files, "tcg"), "-device");
  assert.deepEqual(
    devices.filter((device) => device.includes("disk") || device.includes("ahci,") || device.includes("scsi-pci")),
    [
      "nvme,drive=disk0,serial=S-nvme,bootindex=2",
      "ahci,id=ahci1",
      "ide-hd,bus=ahci1.0,drive=disk1,serial=S-ahci,bootindex=3",
      "virtio-scsi-pci,id=scsi2",
      "scsi-hd,bus=scsi2.0,drive=disk2,serial=S-scsi,bootindex=4",
    ],
  );
});

test("a watchdog resets a hung machine, and commas survive QEMU's lists", () => {
  const smbios = { vendor: "Acme, Inc.", product: "P", serial: "1", uuid: "u" };
  const argv = qemuArguments(machineSpec(1, { smbios }), "tap1", files, "tcg");
  assert.deepEqual(valuesOf(argv, "-action"), ["watchdog=reset"]);
  assert.ok(valuesOf(argv, "-device").includes("i6300esb"));
  assert.deepEqual(valuesOf(argv, "-smbios"), ["type=1,manufacturer=Acme,, Inc.,product=P,serial=1,uuid=u"]);
});

test("a UEFI machine with a card that OVMF cannot drive is refused by name", () => {
  const spec = machineSpec(4, { firmware: "uefi", nic: "e1000e" });
  assert.throws(
    () => qemuArguments(spec, "tap4", files, "tcg"),
    /machine-4: expected NIC model virtio-net-pci.* found e1000e/,
  );
});

test("KVM is used only if the CPU has the flag", () => {
  assert.equal(chooseAccelerator("flags\t\t: fpu vmx sse\n"), "kvm");
  assert.equal(chooseAccelerator("flags\t\t: fpu svm\n"), "kvm");
  assert.equal(chooseAccelerator("flags\t\t: fpu hypervisor\nvmx flags\t: none\n"), "tcg");
});

test("a TPM is attached by the interface that the machine has, and only if it has one", () => {
  const argv = qemuArguments(machineSpec(1, { tpm: "tpm-crb" }), "tap1", files, "tcg");
  assert.ok(valuesOf(argv, "-device").includes("tpm-crb,tpmdev=tpm0"));
  assert.ok(valuesOf(argv, "-chardev").includes("socket,id=tpm,path=/r/tpm.sock"));
  assert.ok(!qemuArguments(machineSpec(1), "tap1", files, "tcg").some((word) => word.includes("tpm")));
});

test("an arm64 machine has QEMU's virt board, UEFI, and the devices of the others", () => {
  const spec = machineSpec(4, { firmware: "uefi", architecture: "arm64" });
  const argv = qemuArguments(spec, "tap4", files, "kvm");
  assert.deepEqual([qemuProgram(spec), qemuProgram(machineSpec(5))], ["qemu-system-aarch64", "qemu-system-x86_64"]);
  assert.deepEqual(valuesOf(argv, "-machine"), ["virt"]);
  assert.deepEqual(valuesOf(argv, "-accel"), ["tcg,thread=single"], "this computer's KVM runs no arm64");
  assert.deepEqual(valuesOf(argv, "-drive").slice(0, 2), [
    "if=pflash,unit=0,format=raw,readonly=on,file=/f/code.fd",
    "if=pflash,unit=1,format=raw,file=/r/vars.fd",
  ]);
});

test("an arm64 machine with what the lab cannot give it is refused by name", () => {
  for (const [given, found] of [
    [{ firmware: "bios" }, "BIOS"],
    [{ firmware: "uefi", secureBoot: true }, "Secure Boot"],
    [{ firmware: "uefi", tpm: "tpm-crb" }, "tpm-crb"],
  ] as const) {
    const spec = machineSpec(4, { architecture: "arm64", ...given });
    assert.throws(
      () => qemuArguments(spec, "tap4", files, "tcg"),
      new RegExp(`machine-4: expected an arm64 machine with UEFI, .* found ${found}$`),
    );
  }
});

test("a slow disk has a rate, and one that lies is reached through its socket", () => {
  const disks = [
    { bus: "virtio", sizeMiB: 8192, serial: "SLOW", bytesPerSecond: 3_000_000 },
    { bus: "virtio", sizeMiB: 8192, serial: "LIES", lies: true },
  ] as const;
  const [slow, lies] = valuesOf(qemuArguments(machineSpec(1, { disks }), "tap1", files, "tcg"), "-drive");
  assert.match(slow ?? "", /,throttling\.bps-total=3000000,file=\/r\/disk0\.raw$/);
  assert.match(lies ?? "", /,file\.driver=nbd,file\.server\.type=unix,file\.server\.path=\/r\/disk1\.sock$/);
});
