import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk } from "../hardware/hardware.ts";
import { chooseMirrorDisk, type MirrorDiskInput, recordedRoot } from "./mirror.ts";

const gibibyte = 2 ** 30;
const disk = (name: string, more: Partial<Disk> = {}): Disk => ({
  ...{ path: `/dev/${name}`, sizeBytes: 100 * gibibyte, serial: `S-${name}`, wwn: "", model: "M", bus: "nvme" },
  ...{ rotational: false, removable: false, contents: [] },
  ...more,
});
const root = disk("sda");
const given = (disks: readonly Disk[], more: Partial<MirrorDiskInput> = {}): MirrorDiskInput => ({
  profile: { name: "mirror", mirror: { disks: {} }, swapMiB: 0, volumes: [], data: [] },
  ...{ disks: [root, ...disks], rootDisk: root, firmware: "uefi", policy: { minRootDiskMiB: 8192 } },
  ...{ mirrorDisk: undefined, recorded: [], knownDisks: [root], mayErase: false },
  ...more,
});
const chosen = (input: MirrorDiskInput) => {
  const choice = chooseMirrorDisk(input);
  return choice.kind === "chosen" ? choice.disk?.path : choice.reason;
};

test("without a mirror in the layout, none is chosen; a former one is named", () => {
  const former = disk("sdb", { contents: ["GPT"] });
  const input = given([former], { profile: undefined, mirrorDisk: former });
  assert.deepEqual(chooseMirrorDisk(input), { kind: "chosen", former });
});

test("of several disks, that of the last birth, then the same kind, then the nearest size", () => {
  const far = disk("sdb", { sizeBytes: 900 * gibibyte });
  const near = disk("sdc", { sizeBytes: 120 * gibibyte });
  const rotating = disk("sdd", { rotational: true });
  assert.equal(chosen(given([far, rotating, near])), "/dev/sdc");
  assert.equal(chosen(given([far, rotating])), "/dev/sdb");
  const earlier = { ...far, contents: ["GPT"] };
  assert.equal(chosen(given([earlier, near], { mirrorDisk: earlier })), "/dev/sdb");
});

test("each disk that is not taken is named with its reason", () => {
  const reason = chosen(
    given([
      disk("sdb", { removable: true }),
      disk("sdc", { sizeBytes: gibibyte }),
      disk("sdd", { contents: ["LVM"] }),
      disk("sde", { sectorBytes: 4096 }),
    ]),
  );
  assert.equal(
    reason,
    "layout mirror: expected a second disk for the root's mirror (any disk), found " +
      "/dev/sdb (serial S-sdb, 102400 MiB): does not stay in the machine, or is not its own; " +
      "/dev/sdc (serial S-sdc, 1024 MiB): expected 8192 MiB, found 1024 MiB; " +
      "/dev/sdd (serial S-sdd, 102400 MiB): holds LVM; " +
      "/dev/sde (serial S-sde, 102400 MiB): expected sectors of 512 bytes as those of the root disk, found 4096",
  );
});

test("what a disk holds may be erased at a first birth, if an operator allows it, or if it is this machine's", () => {
  const full = disk("sdb", { contents: ["LVM"] });
  assert.match(chosen(given([full])) ?? "", /holds LVM/);
  assert.equal(chosen(given([full], { knownDisks: undefined })), "/dev/sdb");
  assert.equal(chosen(given([full], { mayErase: true })), "/dev/sdb");
  assert.equal(chosen(given([full], { recorded: [full] })), "/dev/sdb");
});

test("a BIOS does not get a second disk that it does not list, nor one that the conditions refuse", () => {
  const unlisted = disk("sdb", { unlistedByBios: true });
  assert.match(chosen(given([unlisted], { firmware: "bios" })) ?? "", /cannot be started by this BIOS/);
  assert.equal(chosen(given([unlisted])), "/dev/sdb");
  const profile = { ...given([]).profile, name: "m", mirror: { disks: { bus: "ata" } } } as MirrorDiskInput["profile"];
  assert.match(chosen(given([disk("sdb")], { profile })) ?? "", /\(bus ata\), found .*: expected bus ata, found nvme/);
});

test("the mirror stands for the root disk only where that is gone", () => {
  const [mirrorDisk, other] = [disk("sdb"), disk("sdc")];
  const history = { rootDisk: root, mirrorDisk, knownDisks: [root, mirrorDisk] };
  assert.equal(recordedRoot([root, mirrorDisk], history), root);
  assert.equal(recordedRoot([mirrorDisk, other], history), mirrorDisk);
  assert.equal(recordedRoot([other], history), root);
});
