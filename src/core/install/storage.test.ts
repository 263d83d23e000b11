import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "../ports.ts";
import { partitionPath, planLayout, sfdiskScript, uuidFrom } from "./layout.ts";

const gibibyte = 2 ** 30;

/** Random bytes that are 00…, 11…, 22…, one digit more each time. */
function counting(): Random {
  let next = 0;
  return { bytes: (count) => new Uint8Array(count).fill(0x11 * next++) };
}

test("layout: UEFI, aligned to a mebibyte, with room for the tables at the end", () => {
  const layout = planLayout(
    {
      disk: { path: "/dev/vda", sizeBytes: 4 * gibibyte },
      sectorBytes: 512,
      firmware: "uefi",
      espMiB: 64,
      bootMiB: 256,
    },
    counting(),
  );
  assert.equal(
    sfdiskScript(layout),
    `label: gpt
label-id: 33333333-3333-4333-b333-333333333333
unit: sectors
sector-size: 512

start=2048, size=131072, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=00000000-0000-4000-8000-000000000000, name="birther-esp"
start=133120, size=524288, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=11111111-1111-4111-9111-111111111111, name="birther-boot"
start=657408, size=7729152, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=22222222-2222-4222-a222-222222222222, name="birther-root"
`,
  );
  const root = layout.partitions[2];
  assert.equal(((root?.firstSector ?? 0) + (root?.sectorCount ?? 0)) * 512, 4 * gibibyte - 2 ** 20);
});

test("layout: BIOS on a disk of 4096-byte sectors", () => {
  const layout = planLayout(
    {
      disk: { path: "/dev/nvme0n1", sizeBytes: 4 * gibibyte },
      sectorBytes: 4096,
      firmware: "bios",
      espMiB: 64,
      bootMiB: 256,
    },
    counting(),
  );
  assert.deepEqual(
    layout.partitions.map(({ use, path, firstSector, sectorCount }) => [use, path, firstSector, sectorCount]),
    [
      ["biosBoot", "/dev/nvme0n1p1", 256, 256],
      ["boot", "/dev/nvme0n1p2", 512, 65536],
      ["root", "/dev/nvme0n1p3", 66048, 982272],
    ],
  );
});

test("partition paths", () => {
  assert.equal(partitionPath("/dev/sda", 3), "/dev/sda3");
  assert.equal(partitionPath("/dev/mmcblk0", 3), "/dev/mmcblk0p3");
});

test("a random UUID says that it is one", () => {
  assert.equal(uuidFrom(new Uint8Array(16).fill(0xff)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
});
