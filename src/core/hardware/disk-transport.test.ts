import assert from "node:assert/strict";
import { test } from "node:test";
import { scanHardware } from "./scan.ts";
import { whyNotFixed } from "./suitable-disk.ts";
import { treeOf } from "./testing/text-tree.ts";

/** A disk of one GiB as sysfs shows it: its device path below /sys/devices, and other files below /sys/block/NAME or anywhere. */
type Shown = { readonly at: string; readonly files?: { readonly [path: string]: string } };

function scanOf(disks: { readonly [name: string]: Shown }) {
  const files = Object.entries(disks).flatMap(([name, { at, files = {} }]) => [
    [`/sys/block/${name}`, `-> /sys/devices/${at}`],
    [`/sys/block/${name}/size`, "2097152\n"],
    ...Object.entries(files).map(([path, text]) => [path.startsWith("/") ? path : `/sys/block/${name}/${path}`, text]),
  ]);
  return scanHardware(treeOf(Object.fromEntries(files))).disks;
}

const pci = "pci0000:00/0000:00:03.0";
const scsi = (host: number, target = `${host}:0:0`, unit = 0) =>
  `host${host}/target${target}/${target}:${unit}/block/sda`;

const transports: readonly (readonly [title: string, name: string, shown: Shown, transport: string, not?: RegExp])[] = [
  ["NVMe", "nvme0n1", { at: `${pci}/nvme/nvme0/nvme0n1`, files: { "device/transport": "pcie\n" } }, "pcie"],
  ["NVMe of an older kernel", "nvme0n1", { at: `${pci}/nvme/nvme0/nvme0n1` }, "pcie"],
  ["SATA", "sda", { at: `${pci}/ata1/${scsi(0)}` }, "sata"],
  ["SAS", "sda", { at: `${pci}/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0/block/sda` }, "sas"],
  ["SAS, by its host", "sda", { at: `${pci}/${scsi(1)}`, files: { "/sys/class/sas_host/host1/uevent": "" } }, "sas"],
  ["a volume of a RAID controller", "sda", { at: `${pci}/${scsi(0, "0:2:0")}` }, ""],
  ["virtio", "vda", { at: `${pci}/virtio1/block/vda` }, "virtio"],
  ["virtio SCSI", "sda", { at: `${pci}/virtio1/${scsi(0)}` }, "virtio"],
  ["eMMC", "mmcblk0", { at: `${pci}/mmc_host/mmc0/mmc0:1/block/mmcblk0`, files: { "device/type": "MMC" } }, "mmc"],
  ["Fibre Channel", "sda", { at: `${pci}/host1/rport-1:0-0/target1:0:0/1:0:0:0/block/sda` }, "fc", /Fibre Channel/],
  [
    "Fibre Channel, by its host",
    "sda",
    { at: `${pci}/${scsi(2)}`, files: { "/sys/class/fc_host/host2/uevent": "" } },
    ...(["fc", /storage network/] as const),
  ],
  ["iSCSI", "sda", { at: "platform/host3/session1/target3:0:0/3:0:0:1/block/sda" }, "iscsi", /iSCSI/],
  [
    "SRP",
    "sda",
    { at: `${pci}/${scsi(4)}`, files: { "/sys/class/srp_host/host4/uevent": "" } },
    ...(["srp", /SRP/] as const),
  ],
  ["FireWire", "sda", { at: `${pci}/fw1/fw1.0/${scsi(5)}` }, "firewire", /FireWire/],
  [
    "a SCSI target of the kernel itself",
    "sda",
    { at: `tcm_loop_0/tcm_loop_adapter_0/${scsi(6)}` },
    "virtual",
    /without/,
  ],
  ["a test disk of the kernel", "sda", { at: `pseudo_0/adapter0/${scsi(7)}` }, "virtual", /without hardware/],
  [
    "NVMe over TCP",
    "nvme1n1",
    { at: "virtual/nvme-fabrics/ctl/nvme1/nvme1n1", files: { "device/transport": "tcp\n" } },
    ...(["nvme-tcp", /NVMe over tcp/] as const),
  ],
  [
    "a USB disk",
    "sda",
    { at: `${pci}/usb1/1-1/1-1:1.0/${scsi(8)}`, files: { "device/model": "Portable" } },
    ...(["usb", /^on USB$/] as const),
  ],
  ...[
    "AMI Virtual HDISK0",
    "ATEN Virtual CDROM",
    "Dell vFlash",
    "HP iLO Internal SD-CARD",
    "Cisco CIMC-Mapped vHDD",
  ].map(
    (name) =>
      [
        `${name} of a management controller`,
        "sda",
        {
          at: `${pci}/usb1/1-1/1-1:1.0/${scsi(9)}`,
          files: { "device/vendor": name.split(" ")[0] ?? "", "device/model": name.replace(/^\S+ /, "") },
        },
        "usb",
        /virtual media/,
      ] as const,
  ),
  [
    "the disk of a virtual machine",
    "sda",
    { at: `${pci}/${scsi(0)}`, files: { "device/vendor": "VMware", "device/model": "Virtual disk" } },
    "",
  ],
];
for (const [title, name, shown, transport, not] of transports) {
  test(`transport of ${title}: ${transport || "unknown"}${not === undefined ? "" : ", never the root disk"}`, () => {
    const [disk = assert.fail("expected a disk")] = scanOf({ [name]: shown });
    assert.equal(disk.transport ?? "", transport);
    assert.match(whyNotFixed(disk) ?? "", not ?? /^$/);
  });
}

test("a namespace that the kernel shows as a device of its subsystem is NVMe, at the controller in the machine", () => {
  const hidden = { hidden: "1\n" };
  const disks = scanOf({
    nvme0n1: { at: "virtual/nvme-subsystem/nvme-subsys0/nvme0n1", files: { wwid: "eui.0025380000000001" } },
    nvme0c0n1: { at: "virtual/nvme-fabrics/ctl/nvme0/nvme0c0n1", files: { ...hidden, "device/transport": "tcp" } },
    nvme0c1n1: { at: `${pci}/nvme/nvme1/nvme0c1n1`, files: { ...hidden, "device/transport": "pcie" } },
    // Another namespace, and another subsystem with the same namespace.
    nvme0n2: { at: "virtual/nvme-subsystem/nvme-subsys0/nvme0n2", files: { wwid: "eui.0025380000000002" } },
    nvme0c2n2: { at: "virtual/nvme-fabrics/ctl/nvme2/nvme0c2n2", files: { ...hidden, "device/transport": "rdma" } },
  });
  assert.deepEqual(
    disks.map(({ path, bus, transport, devicePath }) => [path, bus, transport, devicePath]),
    [
      ["/dev/nvme0n1", "nvme", "pcie", `${pci}/nvme/nvme1/nvme0c1n1`],
      ["/dev/nvme0n2", "nvme", "nvme-rdma", "virtual/nvme-fabrics/ctl/nvme2/nvme0c2n2"],
    ],
  );
});

test("the BIOS drive of such a namespace is found behind its controller", () => {
  const files = {
    "/sys/block/nvme0n1": "-> /sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1",
    "/sys/block/nvme0n1/size": "2097152",
    "/sys/block/nvme0c0n1": `-> /sys/devices/${pci}/nvme/nvme0/nvme0c0n1`,
    "/sys/block/nvme0c0n1/hidden": "1",
    "/sys/firmware/edd/int13_dev80/sectors": "2097152",
    "/sys/firmware/edd/int13_dev80/pci_dev": `-> /sys/devices/${pci}`,
  };
  const edd = { ...files, "/sys/firmware/edd/int13_dev80/pci_dev": `-> /sys/devices/${pci}` };
  assert.deepEqual(
    scanHardware(treeOf(edd)).disks.map(({ biosDrive, unlistedByBios }) => [biosDrive, unlistedByBios]),
    [[0x80, undefined]],
  );
});
