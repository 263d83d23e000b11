import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryMiB, scanHardware } from "./scan.ts";
import { treeOf } from "./testing/text-tree.ts";

const server = treeOf({
  "/proc/cpuinfo": "processor\t: 0\nmodel name\t: Intel(R) Xeon(R)\n\nprocessor\t: 1\nmodel name\t: Intel(R) Xeon(R)\n",
  "/proc/meminfo": "MemTotal:        2014208 kB\nMemAvailable:    1900000 kB\n",
  "/sys/block/loop0/size": "0",
  "/sys/block/nvme0n1": "-> /sys/devices/pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1",
  "/sys/block/nvme0n1/size": "8388608",
  "/sys/block/nvme0n1/wwid": "nvme.1b36-4e31",
  "/sys/block/nvme0n1/queue/rotational": "0",
  "/sys/block/nvme0n1/removable": "0",
  "/sys/block/nvme0n1/device/model": "QEMU NVMe Ctrl                          ",
  "/sys/block/nvme0n1/device/serial": "N1\n",
  "/sys/block/sda": "-> /sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda",
  "/sys/block/sda/size": "16777216",
  "/sys/block/sda/queue/rotational": "1\n",
  "/sys/block/sda/removable": "0\n",
  "/sys/block/sda/device/model": "HARDDISK\n",
  "/sys/block/sda/device/wwid": "t10.ATA QEMU\0",
  "/sys/block/sda/device/vpd_pg80": "\x00\x80\x00\x08  QM00001",
  "/sys/block/sdb": "-> /sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb",
  "/sys/block/sdb/size": "1000",
  "/sys/block/sdb/removable": "1",
  "/sys/block/sdc/size": "0",
  "/sys/block/sdc/removable": "1",
  "/sys/block/nvme0n1/queue/logical_block_size": "4096",
  "/sys/bus/pci/devices/0000:00:04.0/vendor": "0x1b36",
  "/sys/bus/pci/devices/0000:00:04.0/device": "0x0010",
  "/sys/bus/pci/devices/0000:00:04.0/class": "0x010802",
  "/sys/bus/pci/devices/0000:00:04.0/driver": "-> /sys/bus/pci/drivers/nvme",
  "/sys/bus/pci/devices/0000:00:00.0/vendor": "0x8086",
  "/sys/bus/pci/devices/0000:00:00.0/class": "0x060000",
  "/sys/block/nvme1c0n1/size": "1000",
  "/sys/block/nvme1c0n1/hidden": "1",
  "/sys/class/net/lo/address": "00:00:00:00:00:00",
  "/sys/class/net/eth0/address": "52:54:00:12:34:56\n",
  "/sys/class/net/eth0/device": "-> /sys/devices/pci0000:00/0000:00:02.0/virtio0",
  "/sys/class/net/eth0/device/driver": "-> /sys/bus/virtio/drivers/virtio_net",
  "/sys/class/net/eth0/speed": "-1\n",
  "/sys/class/net/eth0/carrier": "1\n",
  "/sys/firmware/efi/runtime": "",
  "/sys/class/watchdog/watchdog0/identity": "i6300ESB timer\n",
  "/sys/class/dmi/id/sys_vendor": "QEMU\n",
  "/sys/class/dmi/id/product_name": "Standard PC \xff(Q35)\n",
});

test("the scan of a server", () => {
  assert.deepEqual(scanHardware(server), {
    cpus: 2,
    cpuModel: "Intel(R) Xeon(R)",
    memoryMiB: 1967,
    disks: [
      {
        path: "/dev/nvme0n1",
        model: "QEMU NVMe Ctrl",
        serial: "N1",
        wwn: "nvme.1b36-4e31",
        sizeBytes: 4 * 2 ** 30,
        rotational: false,
        removable: false,
        bus: "nvme",
        transport: "pcie",
        devicePath: "pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1",
        sectorBytes: 4096,
      },
      {
        path: "/dev/sda",
        model: "HARDDISK",
        serial: "QM00001",
        wwn: "t10.ATA QEMU",
        sizeBytes: 8 * 2 ** 30,
        rotational: true,
        removable: false,
        bus: "ata",
        transport: "sata",
        devicePath: "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0",
        sectorBytes: 512,
      },
      {
        path: "/dev/sdb",
        model: "",
        serial: "",
        wwn: "",
        sizeBytes: 512000,
        rotational: false,
        removable: true,
        bus: "usb",
        transport: "usb",
        devicePath: "pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0",
        sectorBytes: 512,
      },
    ],
    nics: [
      {
        name: "eth0",
        mac: "52:54:00:12:34:56",
        driver: "virtio_net",
        speedMbps: 0,
        carrier: true,
        path: "pci0000:00/0000:00:02.0/virtio0",
      },
    ],
    pciDevices: [{ address: "0000:00:04.0", id: "1b36:0010", class: "0108", driver: "nvme" }],
    firmware: "uefi",
    secureBoot: false,
    tpm: false,
    watchdog: "i6300ESB timer",
    smbios: { vendor: "QEMU", product: "Standard PC (Q35)", serial: "", uuid: "" },
  });
});

test("the scan of nothing at all does not fail", () => {
  const nothing = scanHardware(treeOf({}));
  assert.deepEqual(
    [nothing.cpus, nothing.memoryMiB, nothing.disks, nothing.nics, nothing.firmware],
    [0, 0, [], [], "bios"],
  );
});

test("a line of /proc/meminfo", () => {
  assert.equal(memoryMiB(server, "MemAvailable"), 1855);
  assert.equal(memoryMiB(server, "MemFree"), 0);
});
