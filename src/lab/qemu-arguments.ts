import type { DiskBus, DiskSpec, MachineSpec } from "./machine-spec.ts";

export type Accelerator = "tcg" | "kvm";

/** The files of one machine; they survive its power cycles. */
export type MachineFiles = {
  /** Raw sparse images, in the order of the machine's disks. */
  readonly disks: readonly string[];
  /** Sockets of those that lie, in the same order. */
  readonly diskSockets: readonly string[];
  readonly consoleLog: string;
  readonly consoleSocket: string;
  /** The TPM's state and the socket that QEMU controls it by; used only if the machine has one. */
  readonly tpmState: string;
  readonly tpmSocket: string;
  /** UEFI only: read-only code, and this machine's own copy of the variable store. */
  readonly ovmfCode: string;
  readonly ovmfVariables: string;
  /** A directory of ROMs of network cards, instead of those that QEMU finds. */
  readonly roms?: string;
};

/**
 * KVM only if /proc/cpuinfo shows the CPU's virtualization flag: otherwise /dev/kvm may open, even create a machine,
 * and then hang at its first instruction.
 */
export function chooseAccelerator(cpuinfo: string): Accelerator {
  return /^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo) ? "kvm" : "tcg";
}

/**
 * QEMU's option `-accel` without KVM: one thread for all CPUs of a machine. With one thread per CPU (QEMU 7.2) Linux dies
 * now and then of `Oops: int3`, because one CPU executes the break point that another puts into the kernel's code while
 * it changes it and has taken out again (seen once, with Debian 13's kernel), and a machine once hung after a restart
 * with both CPUs busy. Booting a kernel takes only little longer: 9.1 s instead of 8.0 s.
 */
export const emulator = "tcg,thread=single";

/** How each bus attaches disk number `i`; `options` hold its serial and position in the BIOS boot order. */
const diskDevices: { readonly [Bus in DiskBus]: (i: number, options: string) => readonly string[] } = {
  virtio: (i, options) => ["-device", `virtio-blk-pci,drive=disk${i}${options}`],
  nvme: (i, options) => ["-device", `nvme,drive=disk${i}${options}`],
  ahci: (i, options) => ["-device", `ahci,id=ahci${i}`, "-device", `ide-hd,bus=ahci${i}.0,drive=disk${i}${options}`],
  scsi: scsiDisk("virtio-scsi-pci"),
  megasas: scsiDisk("megasas"),
  // QEMU takes the WWN for the disk's SAS address, and Linux passes over a device without one.
  mptsas1068: (i, options) => scsiDisk("mptsas1068")(i, `,wwn=0x5000c500000000${10 + i}${options}`),
  pvscsi: scsiDisk("pvscsi"),
  lsi53c895a: scsiDisk("lsi53c895a"),
  am53c974: scsiDisk("am53c974"),
  usb: (i, options) => [
    ...["-device", `qemu-xhci,id=usb${i}`, "-device", `usb-storage,bus=usb${i}.0,drive=disk${i}${options}`],
  ],
  // A card has neither a serial number of our choice nor a place in the boot order.
  sd: (i) => ["-device", "sdhci-pci", "-device", `sd-card,drive=disk${i}`],
};

function scsiDisk(controller: string) {
  return (i: number, options: string) => [
    ...["-device", `${controller},id=scsi${i}`],
    ...["-device", `scsi-hd,bus=scsi${i}.0,drive=disk${i}${options}`],
  ];
}

function sectorsOf({ sectorBytes }: DiskSpec): string {
  return sectorBytes === undefined ? "" : `,logical_block_size=${sectorBytes},physical_block_size=${sectorBytes}`;
}

const withoutPxe = ["IPv4PXESupport", "IPv6PXESupport"].flatMap((name) => [
  "-fw_cfg",
  `name=opt/org.tianocore/${name},string=no`,
]);

/** QEMU's program for a machine. */
export function qemuProgram({ architecture }: MachineSpec): string {
  return architecture === "arm64" ? "qemu-system-aarch64" : "qemu-system-x86_64";
}

/** Throws for hardware that QEMU or Debian's firmware for it does not have. */
function refuseImpossible(spec: MachineSpec): void {
  const { name, firmware, nic, architecture, secureBoot, tpm } = spec;
  if (firmware === "uefi" && nic !== "virtio-net-pci")
    throw new Error(`${name}: expected NIC model virtio-net-pci, the only one that OVMF's PXE drives, found ${nic}`);
  if (architecture !== "arm64") return;
  const found = firmware === "bios" ? "BIOS" : secureBoot ? "Secure Boot" : tpm;
  if (found !== undefined)
    throw new Error(`${name}: expected an arm64 machine with UEFI, without Secure Boot and TPM, found ${found}`);
}

/**
 * Board and processor. graphics=off makes SeaBIOS and the iPXE ROM use the serial port. A Cortex-A72 has no pointer
 * authentication, which is slow to emulate (QEMU's manual, "Arm CPU Features").
 */
function boardOf({ architecture }: MachineSpec, accelerator: Accelerator, secure: boolean): readonly string[] {
  if (architecture === "arm64") return ["-machine", "virt", "-accel", emulator, "-cpu", "cortex-a72"];
  const accelerated = accelerator === "tcg" ? emulator : "kvm";
  return ["-machine", `q35,graphics=off${secure ? ",smm=on" : ""}`, "-accel", accelerated, "-cpu", "max"];
}

/** A value inside a QEMU option list; a comma in it is doubled. */
const quoted = (text: string) => text.replaceAll(",", ",,");

function sourceOf({ lies }: DiskSpec, { disks, diskSockets }: MachineFiles, i: number): string {
  return lies === true
    ? `file.driver=nbd,file.server.type=unix,file.server.path=${quoted(diskSockets[i] ?? "")}`
    : `file=${quoted(disks[i] ?? "")}`;
}

const rateOf = ({ bytesPerSecond }: DiskSpec) =>
  bytesPerSecond === undefined ? "" : `,throttling.bps-total=${bytesPerSecond}`;

/**
 * The QEMU command line of a machine, without the program's name. QMP uses standard input and output, so that no socket
 * has to be waited for or can be left behind.
 */
export function qemuArguments(spec: MachineSpec, tap: string, files: MachineFiles, accelerator: Accelerator): string[] {
  const bios = spec.firmware === "bios";
  refuseImpossible(spec);
  // SeaBIOS takes its boot order from QEMU: network first. Under UEFI, BootOrder in the variable store decides, and a
  // bootindex would overrule it at each start.
  const bootIndex = (index: number) => (bios ? `,bootindex=${index}` : "");
  const { vendor, product, serial, uuid } = spec.smbios;
  const secure = !bios && spec.secureBoot;
  return [
    ...["-name", quoted(spec.name), "-nodefaults", "-no-user-config"],
    ...boardOf(spec, accelerator, secure),
    ...["-display", "none", "-vga", "none"],
    ...["-smp", `${spec.cpus}`, "-m", `${spec.memoryMiB}`],
    // Not `romfile=`: QEMU gives only a ROM that it finds itself the ids of the card, without which SeaBIOS passes it over.
    ...(files.roms === undefined ? [] : ["-L", files.roms]),
    ...["-uuid", uuid],
    "-smbios",
    `type=1,manufacturer=${quoted(vendor)},product=${quoted(product)},serial=${quoted(serial)},uuid=${uuid}`,
    ...(bios
      ? []
      : [
          ...["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${quoted(files.ovmfCode)}`],
          ...["-drive", `if=pflash,unit=1,format=raw,file=${quoted(files.ovmfVariables)}`],
          // Without PXE, HTTPv4 is the first of OVMF's own boot entries (OvmfPkg/RUNTIME_CONFIG.md).
          ...(spec.bootFrom === "http" ? withoutPxe : []),
          // Only System Management Mode may write the variables; otherwise Secure Boot would protect nothing
          // (OvmfPkg/README).
          ...(secure ? ["-global", "driver=cfi.pflash01,property=secure,value=on"] : []),
        ]),
    ...["-netdev", `tap,id=net0,ifname=${tap},script=no,downscript=no`],
    // An empty romfile makes a UEFI machine use EDK2's own PXE instead of iPXE's EFI ROM.
    ...["-device", `${spec.nic},netdev=net0,mac=${spec.mac}${bios ? ",bootindex=1" : ",romfile="}`],
    ...spec.disks.flatMap((disk, i) => [
      "-drive",
      // The files live as long as the rack, so waiting for the host to write them is pointless.
      `if=none,id=disk${i},format=raw,discard=unmap,detect-zeroes=unmap,cache=unsafe${rateOf(disk)},${sourceOf(disk, files, i)}`,
      ...diskDevices[disk.bus](i, `,serial=${quoted(disk.serial)}${sectorsOf(disk)}${bootIndex(2 + i)}`),
    ]),
    ...["-device", "i6300esb", "-action", "watchdog=reset"],
    ...["-device", "virtio-rng-pci"],
    ...(spec.tpm === undefined
      ? []
      : [
          ...["-chardev", `socket,id=tpm,path=${quoted(files.tpmSocket)}`],
          ...["-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", `${spec.tpm},tpmdev=tpm0`],
        ]),
    "-chardev",
    `socket,id=console,path=${quoted(files.consoleSocket)},server=on,wait=off,logfile=${quoted(files.consoleLog)},logappend=on`,
    ...["-serial", "chardev:console"],
    ...["-chardev", "stdio,id=qmp,signal=off", "-mon", "chardev=qmp,mode=control"],
  ];
}
