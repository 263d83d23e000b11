import { efivarsDirectory, globalVariable, variableValueAt } from "../boot-loader/efi-variable.ts";
import { parseMac } from "../net/mac.ts";
import { biosDrivesOf, type SignatureOf } from "./bios-drives.ts";
import { readChassisSlot } from "./chassis.ts";
import { eachDiskOnce } from "./disk-paths.ts";
import { attachmentOf } from "./disk-transport.ts";
import { firmwareSight, isUnseen } from "./firmware-disks.ts";
import type { Disk, Hardware, Nic, PciDevice } from "./hardware.ts";
import { isFixed } from "./suitable-disk.ts";
import type { Tree } from "./system-tree.ts";
import { scanWatchdog } from "./watchdog-modules.ts";

/** 1 means enforced (UEFI 2.10 §3.3). Missing on a BIOS machine, and if the firmware's variables are not mounted. */
const secureBootVariable = `${efivarsDirectory}/${globalVariable("SecureBoot")}`;

/**
 * The hardware of this machine, as the kernel reports it (Documentation/ABI/stable/sysfs-block, sysfs-class-net). With
 * `signatureOf`, the boot sectors of disks that a BIOS cannot tell apart otherwise are read.
 */
export function scanHardware(tree: Tree, signatureOf?: SignatureOf): Hardware {
  const cpuInfo = tree.text("/proc/cpuinfo");
  const { disks, sizeless } = scanDisks(tree);
  const chassis = readChassisSlot(tree.text("/sys/firmware/dmi/tables/DMI"));
  const dmi = (name: string) => line(tree, `/sys/class/dmi/id/${name}`);
  return {
    cpus: (cpuInfo.match(/^processor\s*:/gm) ?? []).length,
    cpuModel: /^model name\s*:\s*(.*)$/m.exec(cpuInfo)?.[1]?.trim() ?? "",
    memoryMiB: memoryMiB(tree, "MemTotal"),
    disks: withFirmwareSight(tree, withBiosDrives(tree, disks, signatureOf)),
    ...(sizeless.length === 0 ? {} : { sizelessDisks: sizeless.map(({ path }) => path) }),
    nics: scanNics(tree),
    pciDevices: scanPciDevices(tree),
    firmware: tree.list("/sys/firmware/efi").length > 0 ? "uefi" : "bios",
    secureBoot: isSecureBootOn(tree),
    tpm: tree.list("/sys/class/tpm").length > 0,
    watchdog: printable(scanWatchdog(tree)),
    smbios: {
      vendor: dmi("sys_vendor"),
      product: dmi("product_name"),
      serial: dmi("product_serial"),
      uuid: dmi("product_uuid"),
    },
    ...(chassis === undefined ? {} : { chassis }),
  };
}

/** Whether the firmware starts only signed programs. */
export function isSecureBootOn(tree: Tree): boolean {
  return tree.text(secureBootVariable).charCodeAt(variableValueAt) === 1;
}

/** The current disks, and the drivers of the SCSI hosts that may add more. */
export function diskSight(tree: Tree): { readonly disks: readonly Disk[]; readonly hostDrivers: readonly string[] } {
  const hosts = tree.list("/sys/class/scsi_host");
  return {
    disks: scanDisks(tree).disks,
    hostDrivers: hosts.map((host) => line(tree, `/sys/class/scsi_host/${host}/proc_name`)),
  };
}

/** A line of /proc/meminfo in mebibytes, e.g. `MemAvailable`; 0 where it is missing. */
export function memoryMiB(tree: Tree, name: string): number {
  const match = new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(tree.text("/proc/meminfo"));
  return Math.floor(Number(match?.[1] ?? 0) / 1024);
}

/** Bytes of a disk's logical sector: what partition tables count in. */
export function logicalSectorBytes(tree: Tree, disk: string): number {
  return Number(line(tree, `/sys/block/${nameOf(disk)}/queue/logical_block_size`)) || 512;
}

/** Block devices that are not disks of the machine, such as the boot areas of an eMMC. */
const noDisks = /^(loop|ram|zram|dm-|md|sr|fd|nbd|mtdblock|drbd|rbd|bcache|zd\d|mmcblk\d+(boot|gp|rpmb))/;

/** The disks, and fixed ones without a usable size. */
function scanDisks(tree: Tree): { readonly disks: readonly Disk[]; readonly sizeless: readonly Disk[] } {
  const names = tree.list("/sys/block");
  const found = names
    .filter(
      (name) => !noDisks.test(name) && !tree.target(`/sys/block/${name}`).startsWith("/sys/devices/virtual/block/"),
    )
    .map((name) => {
      const own = `/sys/block/${name}`;
      const { bus, transport, devicePath, virtualMedia } = attachmentOf(tree, name, names);
      return {
        path: `/dev/${name}`,
        model: line(tree, `${own}/device/model`),
        serial: diskSerial(tree, own),
        wwn: line(tree, `${own}/wwid`) || line(tree, `${own}/device/wwid`),
        sizeBytes: Number(line(tree, `${own}/size`)) * 512, // sysfs counts 512 whatever the sector size is
        rotational: line(tree, `${own}/queue/rotational`) === "1",
        removable: line(tree, `${own}/removable`) === "1",
        bus,
        ...(transport === "" ? {} : { transport: printable(transport) }),
        ...(devicePath === "" ? {} : { devicePath: printable(devicePath) }),
        ...(virtualMedia ? { virtualMedia: true as const } : {}),
        sectorBytes: logicalSectorBytes(tree, name),
        hidden: line(tree, `${own}/hidden`) === "1",
      };
    })
    .filter((disk) => !disk.hidden) // paths behind NVMe multipath
    .map(({ hidden: _, ...disk }): Disk => disk)
    .sort((left, right) => (left.path < right.path ? -1 : 1));
  return {
    disks: eachDiskOnce(found.filter(({ sizeBytes }) => sizeBytes > 0)),
    // Empty card readers have no size either.
    sizeless: found.filter((disk) => disk.sizeBytes === 0 && isFixed(disk)),
  };
}

function withBiosDrives(tree: Tree, disks: readonly Disk[], signatureOf?: SignatureOf): readonly Disk[] {
  const { numbers, unlisted } = biosDrivesOf(tree, disks, signatureOf);
  return disks.map((disk) => {
    const biosDrive = numbers.get(disk.path);
    if (unlisted.has(disk.path)) return { ...disk, unlistedByBios: true };
    return biosDrive === undefined ? disk : { ...disk, biosDrive };
  });
}

function withFirmwareSight(tree: Tree, disks: readonly Disk[]): readonly Disk[] {
  const sight = firmwareSight(tree);
  if (sight === undefined) return disks;
  return disks.map((disk) => (isUnseen(disk.devicePath ?? "", sight) ? { ...disk, unseenByUefi: true } : disk));
}

/** NVMe and virtio say it in text; SCSI and ATA in vital product data page 80h behind four bytes (SPC-4 §7.8.15). */
function diskSerial(tree: Tree, own: string): string {
  const plain = line(tree, `${own}/device/serial`) || line(tree, `${own}/serial`);
  if (plain !== "") return plain;
  return printable(tree.text(`${own}/device/vpd_pg80`).slice(4));
}

/** Classes of PCI devices that say nothing about what a machine can do: memory, bridges, system peripherals, signal processing. */
const dullClasses = /^(05|06|08|11)/;

function scanPciDevices(tree: Tree): readonly PciDevice[] {
  const directory = "/sys/bus/pci/devices";
  const hex = (path: string) => line(tree, path).replace(/^0x/, "");
  return tree
    .list(directory)
    .map((address) => {
      const own = `${directory}/${address}`;
      return {
        address,
        id: `${hex(`${own}/vendor`)}:${hex(`${own}/device`)}`,
        class: hex(`${own}/class`).slice(0, 4),
        driver: nameOf(tree.target(`${own}/driver`)),
      };
    })
    .filter((device) => !dullClasses.test(device.class))
    .sort((left, right) => (left.address < right.address ? -1 : 1));
}

/** The Ethernet interfaces of this machine that are devices. */
export function scanNics(tree: Tree): readonly Nic[] {
  return tree.list("/sys/class/net").flatMap((name) => {
    const own = `/sys/class/net/${name}`;
    const device = tree.target(`${own}/device`);
    const mac = parseMac(line(tree, `${own}/address`));
    if (device === "" || mac === undefined) return []; // lo, bridges and tunnels have no device behind them
    return [
      {
        name,
        mac,
        driver: nameOf(tree.target(`${own}/device/driver`)),
        speedMbps: Math.max(0, Number(line(tree, `${own}/speed`)) || 0), // -1: unknown
        carrier: line(tree, `${own}/carrier`) === "1",
        path: device.replace(/^\/sys\/devices\//, ""),
      },
    ];
  });
}

function line(tree: Tree, path: string): string {
  return printable(tree.text(path));
}

/** Board makers pad their strings with spaces, NULs and worse; the record takes printable text. */
function printable(text: string): string {
  return text
    .replace(/[^\x21-\x7e]+/g, " ")
    .trim()
    .slice(0, 256);
}

function nameOf(path: string): string {
  return path.split("/").pop() ?? "";
}
