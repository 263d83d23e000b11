import assert from "node:assert/strict";
import { test } from "node:test";
import { findRecorded } from "./disk-identity.ts";
import { eachDiskOnce } from "./disk-paths.ts";
import type { Disk } from "./hardware.ts";

const sas: Disk = {
  path: "/dev/sda",
  model: "ST4000",
  serial: "Z1",
  wwn: "naa.5000c50000000033",
  sizeBytes: 2 ** 42,
  rotational: true,
  removable: false,
  bus: "scsi",
  transport: "sas",
  devicePath: "pci0000:00/0000:00:03.0/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0",
};
const second: Disk = {
  ...sas,
  path: "/dev/sdb",
  devicePath: "pci0000:00/0000:00:04.0/host1/port-1:0/end_device-1:0/target1:0:0/1:0:0:0",
};
const anonymous = { ...sas, wwn: "" };

const cases: readonly (readonly [title: string, one: Disk, other: Disk, isOne: boolean])[] = [
  ["a disk with two ports", sas, second, true],
  ["another serial number", sas, { ...second, serial: "Z2" }, false],
  ["another size", sas, { ...second, sizeBytes: 2 ** 41 }, false],
  ["another model", sas, { ...second, model: "ST8000" }, false],
  [
    "a WWN that was never programmed",
    { ...sas, wwn: "naa.0000000000000000" },
    { ...second, wwn: "naa.0000000000000000" },
    false,
  ],
  ["a serial number alone, by two targets", anonymous, { ...second, wwn: "" }, true],
  [
    "a serial number alone, two units of one target",
    anonymous,
    { ...anonymous, path: "/dev/sdb", devicePath: "pci0000:00/0000:00:03.0/host0/target0:0:0/0:0:0:1" },
    false,
  ],
  [
    "a serial number alone, another unit of another target: volumes of an array",
    anonymous,
    { ...second, wwn: "", devicePath: "pci0000:00/0000:00:04.0/host1/target1:0:0/1:0:0:5" },
    false,
  ],
  [
    "a serial number alone, on SATA, which has one path",
    { ...anonymous, bus: "ata" },
    { ...second, wwn: "", bus: "ata" },
    false,
  ],
  [
    "a serial number alone, of virtual disks",
    { ...anonymous, transport: "virtio" },
    { ...second, wwn: "", transport: "virtio" },
    false,
  ],
  ["a serial number of no disk", { ...anonymous, serial: "unknown" }, { ...second, wwn: "", serial: "unknown" }, false],
  ["neither serial number nor WWN", { ...anonymous, serial: "" }, { ...second, wwn: "", serial: "" }, false],
  [
    "two namespaces of one controller",
    { ...sas, bus: "nvme", wwn: "eui.0025380000000001" },
    { ...second, bus: "nvme", wwn: "eui.0025380000000002" },
    false,
  ],
  [
    "a namespace by two controllers",
    { ...sas, bus: "nvme", wwn: "eui.0025380000000001" },
    { ...second, bus: "nvme", wwn: "eui.0025380000000001" },
    true,
  ],
];
for (const [title, one, other, isOne] of cases) {
  test(`paths to a disk: ${title}: ${isOne ? "one disk" : "two disks"}`, () => {
    const expected = isOne ? [{ ...one, otherPaths: [other.path] }] : [one, other];
    assert.deepEqual(eachDiskOnce([one, other]), expected);
  });
}

test("three paths are one disk with two other names", () => {
  const [disk] = eachDiskOnce([sas, second, { ...second, path: "/dev/sdc" }]);
  assert.deepEqual(disk?.otherPaths, ["/dev/sdb", "/dev/sdc"]);
});

test("a root disk that an older version recorded once per path is found again, unless a name has changed", () => {
  const identity = ({ path, serial, wwn, sizeBytes }: Disk) => ({ path, serial, wwn, sizeBytes });
  const then = [identity(sas), identity(second)];
  const disks = eachDiskOnce([sas, second]);
  const kindOf = (recordedPath: string, known = then) =>
    findRecorded(disks, { ...identity(sas), path: recordedPath }, known).kind;
  assert.equal(kindOf("/dev/sda"), "found");
  assert.equal(kindOf("/dev/sdb"), "ambiguous");
  assert.equal(kindOf("/dev/sda", [...then, { ...identity(sas), path: "/dev/sdc" }]), "ambiguous");
});
