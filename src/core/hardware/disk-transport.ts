import type { Tree } from "./system-tree.ts";

/** How a disk is attached. */
export type Attachment = {
  /** The kind of wire its device path runs over, such as `ata`. */
  readonly bus: string;
  /** What carries its commands, such as `sata`, `fc` or `nvme-tcp`; empty where a controller hides it. */
  readonly transport: string;
  /** The kernel's device path without `/sys/devices/`, such as `pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0`. */
  readonly devicePath: string;
  /** A management controller shows an image or its own memory as this disk. */
  readonly virtualMedia: boolean;
};

/**
 * How management controllers name what they show on USB: AMI, ATEN and Insyde (`Virtual CDROM`), Dell (`Virtual Floppy`, `vFlash`,
 * `iDRAC`), HPE (`iLO Internal SD-CARD`), Lenovo (`XCC`, `IMM`), Cisco (`CIMC-Mapped vHDD`, `vKVM-Mapped vDVD`), OpenBMC.
 */
const mediaNames = /virtual|vflash|v(kvm|hdd|dvd|fdd)|\b(cimc|idrac|lcdrive|ilo|imm|xcc|ipmi|bmc|ami|aten|secupd)\b/i;

/** How a block device of `/sys/block` is attached (Documentation/ABI/testing/sysfs-class-fc_host, -nvme; drivers/scsi/scsi_transport_*). */
export function attachmentOf(tree: Tree, name: string, names: readonly string[]): Attachment {
  const own = `/sys/block/${name}`;
  const text = (path: string) => tree.text(path).trim();
  const paths = nvmePaths(tree, name, names);
  const target = paths[0]?.target ?? tree.target(own);
  const bus = paths.length > 0 ? "nvme" : busOf(target, text(`${own}/device/type`));
  const transport = bus === "nvme" ? nvmeTransport(paths[0]?.transport ?? text(`${own}/device/transport`)) : undefined;
  return {
    bus,
    transport: transport ?? transportOf(tree, target, bus),
    devicePath: target.replace(/^\/sys\/devices\//, "").replace(/\/block\/[^/]+$/, ""),
    virtualMedia: bus === "usb" && mediaNames.test(`${text(`${own}/device/vendor`)} ${text(`${own}/device/model`)}`),
  };
}

type NvmePath = { readonly target: string; readonly transport: string };

/**
 * The controllers behind a namespace that the kernel shows as one device of its NVMe subsystem, those in the machine first;
 * none for other disks. `nvme0c1n2` is the path of `nvme0n2` by controller 1 (drivers/nvme/host/multipath.c).
 */
function nvmePaths(tree: Tree, name: string, names: readonly string[]): readonly NvmePath[] {
  const [, subsystem, namespace] = /^nvme(\d+)n(\d+)$/.exec(name) ?? [];
  if (subsystem === undefined) return [];
  const isPath = new RegExp(`^nvme${subsystem}c\\d+n${namespace}$`);
  const paths = names
    .filter((each) => isPath.test(each))
    .map((each) => ({
      target: tree.target(`/sys/block/${each}`),
      transport: tree.text(`/sys/block/${each}/device/transport`).trim(),
    }));
  return [...paths].sort((left, right) => Number(right.transport === "pcie") - Number(left.transport === "pcie"));
}

/** `pcie`, or the fabric of NVMe over Fabrics; kernels that say nothing have NVMe on PCI Express only. */
function nvmeTransport(kernels: string): string {
  if (kernels === "loop") return "virtual";
  return ["", "pcie", "apple-nvme"].includes(kernels) ? "pcie" : `nvme-${kernels}`;
}

function transportOf(tree: Tree, target: string, bus: string): string {
  const host = /\/(host\d+)\//.exec(target)?.[1] ?? "";
  const isIn = (kind: string) => host !== "" && tree.list(`/sys/class/${kind}`).includes(host);
  if (/\/session\d+\//.test(target)) return "iscsi";
  if (/\/rport-\d+/.test(target) || isIn("fc_host")) return "fc";
  if (isIn("srp_host")) return "srp";
  if (/^\/sys\/devices\/(pseudo|tcm_loop|virtual\/)/.test(target)) return "virtual";
  if (/\/fw\d+[./]/.test(target)) return "firewire";
  if (bus === "ata") return "sata";
  if (/\/end_device-\d+:/.test(target) || isIn("sas_host")) return "sas";
  if (/\/virtio\d+(\/|$)/.test(target)) return "virtio";
  return ["usb", "mmc", "sd"].includes(bus) ? bus : "";
}

/** The kind of wire a device path runs over, most telling part first. */
function busOf(devicePath: string, type: string): string {
  if (/\/ndbus\d+\//.test(devicePath)) return "pmem";
  if (/\/usb\d+\//.test(devicePath)) return "usb";
  if (/\/nvme\d*\//.test(devicePath) || /\/nvme-subsystem\//.test(devicePath)) return "nvme";
  if (/\/ata\d+\//.test(devicePath)) return "ata";
  if (/\/host\d+\//.test(devicePath)) return "scsi";
  if (/\/virtio\d+\//.test(devicePath)) return "virtio";
  if (/\/mmc\d+\//.test(devicePath)) return type === "MMC" ? "mmc" : "sd"; // eMMC is soldered; SD cards are not
  return "other";
}
