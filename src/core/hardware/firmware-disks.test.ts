import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { efivarsDirectory, seenDisksVariable } from "../boot-loader/efi-variable.ts";
import { firmwareSight, isUnseen } from "./firmware-disks.ts";

const path = `${efivarsDirectory}/${seenDisksVariable}`;
const sightOf = (value: readonly number[], attributes: readonly number[] = [6, 0, 0, 0]) =>
  firmwareSight({
    text: (asked) => (asked === path ? String.fromCharCode(...attributes, ...value) : ""),
    list: () => [],
    target: () => "",
  });

test("what OVMF of Debian 12 says with virtio at 02.0, NVMe behind a root port and AHCI", () => {
  assert.deepEqual(sightOf([1, 1, 2, 0, 2, 3, 0, 0, 0, 1, 0x1f, 2]), [["02.0"], ["03.0", "00.0"], ["1f.2"]]);
});

test("a firmware that sees no disk is told from a program that did not run", () => {
  assert.deepEqual(sightOf([1]), []);
  assert.equal(sightOf([], []), undefined);
});

test("values of another format, cut ones and any others are no evidence, and never throw", () => {
  assert.equal(sightOf([2, 1, 2, 0]), undefined);
  assert.equal(sightOf([1, 1, 2]), undefined);
  assert.equal(sightOf([1, 0]), undefined);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 }), (value) => {
      for (const chain of sightOf(value) ?? []) assert.ok(chain.every((one) => /^[0-9a-f]{2}\.[0-9a-f]+$/.test(one)));
    }),
  );
});

const sight = [["02.0"], ["1c.0", "00.0"], ["05.5"]] as const;

for (const { title, devicePath, unseen } of [
  { title: "the controller that it sees", devicePath: "pci0000:00/0000:00:02.0/virtio0/block/vda", unseen: false },
  {
    title: "one behind a bridge",
    devicePath: "pci0000:00/0000:00:1c.0/0000:01:00.0/nvme/nvme0/nvme0n1",
    unseen: false,
  },
  { title: "that bridge's other child", devicePath: "pci0000:00/0000:00:1c.0/0000:01:01.0/host0/sda", unseen: true },
  {
    title: "another controller",
    devicePath: "pci0000:00/0000:00:03.0/host2/target2:0:0/2:0:0:0/block/sda",
    unseen: true,
  },
  {
    title: "an NVMe behind a volume management device, whose own path ends there",
    devicePath: "pci0000:64/0000:64:05.5/pci10000:00/10000:00:02.0/10000:01:00.0/nvme/nvme0/nvme0n1",
    unseen: false,
  },
  { title: "a disk without a PCI device", devicePath: "virtual/nvme-subsystem/nvme-subsys0/nvme0n1", unseen: false },
  { title: "a disk without a path", devicePath: "", unseen: false },
])
  test(`${title}: ${unseen ? "not seen by the firmware" : "seen, or nothing is known"}`, () => {
    assert.equal(isUnseen(devicePath, sight), unseen);
  });

test("a firmware that sees a whole RAID by its controller sees what is behind it", () => {
  assert.equal(isUnseen("pci0000:00/0000:00:1c.0/host0/target0:2:0/0:2:0:0/block/sda", sight), false);
});
