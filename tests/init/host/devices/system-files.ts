import { textFromBytes } from "../../../../src/core/bytes/text.ts";
import type { BoardFacts, DiskFacts, NicFacts } from "../board.ts";
import type { TreeFiller } from "../storage/pseudo-tree.ts";
import type { Cpu } from "../system/cpu.ts";
import { busDevices, diskDriver } from "./drivers.ts";

/** Settings of the kernel, and the process that reads them. */
export type KernelFacts = {
  readonly commandLine: string;
  readonly bootId: string;
  readonly release: string;
  readonly processId: number;
  readonly cpu: Cpu;
};

/** The part of /proc that init reads. */
export function fillProc(proc: TreeFiller, facts: BoardFacts, kernel: KernelFacts): void {
  const processor = (n: number) => `processor\t: ${n}\nmodel name\t: Fake CPU\n\n`;
  proc.live("/cmdline", () => `${kernel.commandLine}\n`);
  proc.live("/cpuinfo", () => Array.from({ length: facts.cpus }, (_, n) => processor(n)).join(""));
  const kib = facts.memoryMiB * 1024;
  proc.live("/meminfo", () => `MemTotal:       ${kib} kB\nMemAvailable:   ${Math.floor(kib * 0.8)} kB\n`);
  proc.live("/sys/kernel/osrelease", () => `${kernel.release}\n`);
  proc.live("/sys/kernel/random/boot_id", () => `${kernel.bootId}\n`);
  proc.symlink("/self", String(kernel.processId));
  proc.live(
    "/sysrq-trigger",
    () => ({ errno: "EIO" }),
    (bytes) => {
      if (textFromBytes(bytes) === "b") kernel.cpu.end({ kind: "reset", by: "sysrq" });
    },
  );
}

/** The part of /sys that exists before any driver. */
export function fillSys(sys: TreeFiller, facts: BoardFacts): void {
  const dmi = { sys_vendor: "Fake", product_name: "Board 1", product_serial: "S1", product_uuid: "u-1" };
  for (const [name, text] of Object.entries(dmi)) sys.text(`/class/dmi/id/${name}`, `${text}\n`);
  sys.text("/class/tty/console/active", "tty0 ttyS0\n");
  sys.text("/devices/system/cpu/modalias", "cpu:type:x86,ven0000fam0006mod003A:feature:,0000\n");
  for (const { path, modalias } of busDevices(facts)) sys.text(`${path}/modalias`, `${modalias}\n`);
  for (const path of ["/block", "/class/net", "/class/scsi_host"]) sys.directory(path);
  if (facts.strangeNic !== undefined) {
    const { address, vendor, device } = facts.strangeNic;
    const files = {
      ...{ vendor: `0x${vendor}`, device: `0x${device}`, class: "0x020000" },
      modalias: `pci:v0000${vendor.toUpperCase()}d0000${device.toUpperCase()}sv00000000sd00000000bc02sc00i00`,
    };
    for (const [file, text] of Object.entries(files)) sys.text(`/bus/pci/devices/${address}/${file}`, `${text}\n`);
  }
  for (const [path, text] of Object.entries(facts.sysFiles ?? {}))
    if (typeof text === "string") sys.text(path, text);
    else sys.live(path, text);
  if (facts.firmware === "uefi") sys.text("/firmware/efi/fw_platform_size", "64\n");
  if (facts.firmware === "uefi") sys.directory("/firmware/efi/efivars");
}

/** Adds a disk that its driver has found. */
export function showDisk(sys: TreeFiller, disk: DiskFacts): void {
  const { name, serial, wwn = "", model = "Fake disk", rotational = false, removable = false } = disk;
  const bus = { virtio_blk: "virtio1", nvme: "nvme/nvme0", sd_mod: "ata1/host0/target0:0:0/0:0:0:0" }[diskDriver(disk)];
  const own = `/devices/pci0000:00/0000:00:04.0/${bus}/block/${name}`;
  const files = {
    size: String(disk.sizeBytes / 512),
    removable: removable ? "1" : "0",
    hidden: "0",
    serial,
    wwid: wwn,
    "device/model": model,
    ...(name.startsWith("nvme") ? { nsid: /n(\d+)$/.exec(name)?.[1] ?? "1" } : {}),
    ...(disk.vendor === undefined ? {} : { "device/vendor": disk.vendor }),
    "queue/rotational": rotational ? "1" : "0",
    "queue/logical_block_size": String(disk.sectorBytes ?? 512),
  };
  for (const [file, text] of Object.entries(files)) sys.text(`${own}/${file}`, `${text}\n`);
  sys.symlink(`/block/${name}`, `..${own}`);
}

/** Adds a NIC that its driver has found; `hasLink` is called each time. */
export function showNic(sys: TreeFiller, facts: BoardFacts, hasLink: () => boolean): void {
  const own = "/devices/pci0000:00/0000:00:03.0/virtio0/net/eth0";
  sys.text(`${own}/address`, `${facts.mac}\n`);
  sys.live(`${own}/carrier`, () => (hasLink() ? "1\n" : "0\n"));
  sys.live(`${own}/speed`, () => (hasLink() ? `${facts.link?.speedMbps ?? 1000}\n` : { errno: "EINVAL" }));
  sys.text("/devices/pci0000:00/0000:00:03.0/virtio0/modalias", "\n");
  sys.directory(`/bus/virtio/drivers/${facts.nicDriver}`);
  sys.symlink(`${own}/device`, "../..");
  sys.symlink("/devices/pci0000:00/0000:00:03.0/virtio0/driver", `/sys/bus/virtio/drivers/${facts.nicDriver}`);
  sys.symlink("/class/net/eth0", `../..${own}`);
  for (const nic of facts.otherNics) showOtherNic(sys, facts, nic);
}

function showOtherNic(sys: TreeFiller, { nicDriver }: BoardFacts, { name, mac, speedMbps, hasLink }: NicFacts): void {
  const device = `/devices/pci0000:00/0000:00:09.0/${name}-device`;
  const own = `${device}/net/${name}`;
  const files = { address: mac, carrier: hasLink ? "1" : "0", speed: hasLink ? String(speedMbps) : "-1" };
  for (const [file, text] of Object.entries(files)) sys.text(`${own}/${file}`, `${text}\n`);
  sys.symlink(`${own}/device`, "../..");
  sys.symlink(`${device}/driver`, `/sys/bus/virtio/drivers/${nicDriver}`);
  sys.symlink(`/class/net/${name}`, `../..${own}`);
}

/** Adds a watchdog that its driver has found. */
export function showWatchdog(sys: TreeFiller): void {
  sys.text("/class/watchdog/watchdog0/identity", "i6300ESB timer\n");
}
