import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../tests/support/runs.ts";
import type { Disk } from "./hardware.ts";
import { chooseRootDisk, otherDiskReason, type RootDiskHistory } from "./root-disk.ts";

const gibibyte = 2 ** 30;
const policy = { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };

function disk(path: string, sizeGiB: number, more: Partial<Disk> = {}): Disk {
  return {
    path,
    model: "",
    serial: "",
    wwn: "",
    sizeBytes: sizeGiB * gibibyte,
    rotational: false,
    removable: false,
    bus: "ata",
    ...more,
  };
}

const choices: readonly { title: string; disks: readonly Disk[]; path?: string; reason?: RegExp }[] = [
  { title: "the only one", disks: [disk("/dev/sda", 4)], path: "/dev/sda" },
  { title: "the smallest", disks: [disk("/dev/sda", 400), disk("/dev/sdb", 200)], path: "/dev/sdb" },
  {
    title: "solid state before rotating, even if larger",
    disks: [disk("/dev/sda", 100, { rotational: true }), disk("/dev/nvme0n1", 900)],
    path: "/dev/nvme0n1",
  },
  {
    title: "a rotating one if there is no other",
    disks: [disk("/dev/sda", 100, { rotational: true })],
    path: "/dev/sda",
  },
  { title: "not one that is too small", disks: [disk("/dev/sda", 1), disk("/dev/sdb", 9)], path: "/dev/sdb" },
  {
    title: "never one that can be pulled out",
    disks: [disk("/dev/sda", 3, { removable: true }), disk("/dev/sdb", 3, { bus: "usb" }), disk("/dev/sdc", 9)],
    path: "/dev/sdc",
  },
  {
    title: "among equals by serial, whatever the kernel calls them",
    disks: [disk("/dev/sda", 9, { serial: "S2" }), disk("/dev/sdb", 9, { serial: "S1" })],
    path: "/dev/sdb",
  },
  { title: "no disk at all", disks: [], reason: /^no disk found: expected a fixed disk$/ },
  { title: "only a stick", disks: [disk("/dev/sda", 9, { bus: "usb" })], reason: /no disk .*\/dev\/sda \(on USB\)$/ },
  { title: "too small", disks: [disk("/dev/sda", 1)], reason: /expected 2048 MiB, found \/dev\/sda 1024 MiB/ },
];
for (const row of choices) {
  test(`root disk: ${row.title}`, () => {
    const choice = chooseRootDisk(row.disks, policy);
    if (row.path !== undefined) assert.equal(choice.kind === "chosen" && choice.disk.path, row.path);
    if (row.reason !== undefined) assert.match(choice.kind === "refused" ? choice.reason : "", row.reason);
  });
}

test("root disk: it must hold what the configuration puts on it, whatever the minimum says", () => {
  const choice = chooseRootDisk([disk("/dev/sda", 2)], { ...policy, minRootDiskMiB: 0, bootMiB: 2000 });
  assert.match(choice.kind === "refused" ? choice.reason : "", /expected 2576 MiB/);
});

test("root disk on BIOS: the firmware's first disk before a smaller one, and none with sectors that a BIOS cannot read", () => {
  const bios = { firmware: "bios" } as const;
  const drives = [disk("/dev/sda", 9, { biosDrive: 0x80 }), disk("/dev/sdb", 4, { biosDrive: 0x81 })];
  const choice = chooseRootDisk(drives, policy, bios);
  assert.equal(choice.kind === "chosen" && choice.disk.path, "/dev/sda");
  assert.match(choice.kind === "chosen" ? choice.why : "", /^the firmware's first solid state disk of 2/);
  const native = disk("/dev/sdc", 4, { sectorBytes: 4096, serial: "S3" });
  const beside = chooseRootDisk([native, disk("/dev/sdd", 9, { sectorBytes: 512 })], policy, bios);
  assert.equal(beside.kind === "chosen" && beside.disk.path, "/dev/sdd");
  const reason =
    /\/dev\/sdc cannot be started by a BIOS: expected sectors of 512 bytes, found 4096; switch the firmware/;
  for (const history of [bios, { ...bios, recorded: { serial: "S3" } }, { ...bios, allowedDisk: { selector: "S3" } }]) {
    const refused = chooseRootDisk([native], policy, history);
    assert.match(refused.kind === "refused" ? refused.reason : "", reason);
  }
  assert.equal(chooseRootDisk([native], policy, { firmware: "uefi" }).kind, "chosen");
});

test("root disk: the reason for the choice", () => {
  const choice = chooseRootDisk([disk("/dev/sda", 4), disk("/dev/sdb", 8)], policy);
  assert.equal(
    choice.kind === "chosen" && choice.why,
    "the smallest solid state disk of 2 suitable ones: 4096 MiB, 2048 MiB needed",
  );
});

const first = disk("/dev/sda", 4, { serial: "S1", wwn: "w1", contents: [] });
const second = disk("/dev/sdb", 9, { serial: "S2", wwn: "w2", contents: ["LUKS"] });
const pair = [first, second];
const twins = [disk("/dev/sda", 4, { serial: "T" }), disk("/dev/sdb", 4, { serial: "T" })];
const twinRoot = disk("/dev/sda", 4, { serial: "T" });
const nameless = [disk("/dev/vda", 4, { contents: [] }), disk("/dev/vdb", 9, { contents: [] })];
const gone = { serial: "S3", wwn: "w3", path: "/dev/sdc", sizeBytes: 4 * gibibyte };

const histories: readonly {
  title: string;
  disks: readonly Disk[];
  history: RootDiskHistory;
  path?: string;
  says: RegExp;
  minRootDiskMiB?: number;
}[] = [
  {
    title: "it stays, even if a smaller one has come",
    ...{ disks: pair, history: { recorded: { serial: "S2", wwn: "w2" } }, path: "/dev/sdb" },
    says: /^the root disk on record \(serial S2, WWN w2\)$/,
  },
  {
    title: "known by its serial alone",
    ...{ disks: pair, history: { recorded: { serial: "S2" } }, path: "/dev/sdb", says: /on record/ },
  },
  {
    title: "known by its WWN alone",
    ...{ disks: pair, history: { recorded: { serial: "", wwn: "w2" } }, path: "/dev/sdb", says: /WWN w2/ },
  },
  {
    title: "missing, the others were there before: refused, both named",
    ...{ disks: [second], history: { recorded: gone, knownDisks: [gone, second] } },
    says: /\(serial S3, WWN w3, 4096 MiB\) is missing.*\/dev\/sdb \(serial S2.*was in this machine before.*--new-root-disk/,
  },
  {
    title: "missing, and nothing is known of the others: refused",
    ...{ disks: [first], history: { recorded: gone }, says: /is missing.*was in this machine before/ },
  },
  {
    title: "missing, a new and empty disk replaces it",
    ...{ disks: pair, history: { recorded: gone, knownDisks: [gone, second] }, path: "/dev/sda" },
    says: /^the root disk on record \(.*\) is missing; this disk is new in the machine and empty; the only suitable/,
  },
  {
    title: "missing, a new disk with data is not taken",
    ...{
      disks: [second],
      history: { recorded: gone, knownDisks: [gone] },
      says: /\/dev\/sdb .*: holds LUKS; to allow another disk .*: birther/,
    },
  },
  {
    title: "missing, a new disk that was not read is not taken",
    ...{
      disks: [{ ...first, contents: ["unreadable contents (EIO)"] }],
      history: { recorded: gone, knownDisks: [gone] },
    },
    says: /holds unreadable contents/,
  },
  {
    title: "missing, a new and empty disk is too small",
    ...{
      disks: [disk("/dev/sda", 1, { serial: "S9", contents: [] })],
      history: { recorded: gone, knownDisks: [gone] },
    },
    says: /: too small; to allow another disk .*: birther/,
  },
  {
    title: "missing, and there is no other",
    ...{ disks: [], history: { recorded: gone }, says: /is missing, and the machine has no other disk/ },
  },
  {
    title: "missing, an operator allows any other",
    ...{ disks: [second], history: { recorded: gone, knownDisks: [gone, second], allowedDisk: {} }, path: "/dev/sdb" },
    says: /is missing; an operator allowed another disk; the only suitable disk/,
  },
  {
    title: "there, and an operator allows any other: it stays",
    ...{ disks: pair, history: { recorded: { serial: "S2" }, allowedDisk: {} }, path: "/dev/sdb", says: /on record/ },
  },
  {
    title: "an operator names another by serial number",
    ...{ disks: pair, history: { recorded: { serial: "S2" }, allowedDisk: { selector: "s1" } }, path: "/dev/sda" },
    says: /^the operator's choice s1; the only suitable disk/,
  },
  {
    title: "an operator names one that is not there",
    ...{ disks: pair, history: { recorded: gone, allowedDisk: { selector: "S7" } } },
    says: /^the operator's choice S7: expected one disk, found none among \/dev\/sda \(serial S1/,
  },
  {
    title: "an operator names a serial number that two disks have",
    ...{ disks: twins, history: { recorded: gone, allowedDisk: { selector: "T" } } },
    says: /expected one disk, found \/dev\/sda .*; \/dev\/sdb/,
  },
  {
    title: "another disk with its serial number is not it",
    ...{ disks: pair, history: { recorded: { serial: "S2", wwn: "w9" } }, says: /is missing/ },
  },
  {
    title: "nothing known of it",
    ...{ disks: pair, history: { recorded: { serial: "", wwn: "" } }, path: "/dev/sda", says: /^the smallest/ },
  },
  {
    title: "one of two with its serial number: by path and size",
    ...{ disks: twins, history: { recorded: { serial: "T", path: "/dev/sdb", sizeBytes: 4 * gibibyte } } },
    ...{ path: "/dev/sdb", says: /on record/ },
  },
  {
    title: "one of two with its serial number, and the path leads to neither: refused",
    ...{ disks: twins, history: { recorded: { serial: "T", path: "/dev/sdc", sizeBytes: 4 * gibibyte } } },
    says: /cannot be distinguished from others: \/dev\/sda .*; \/dev\/sdb/,
  },
  {
    title: "one of two with its serial number, and now there is only one: refused, because it may be the data disk",
    ...{ disks: twins.slice(0, 1), history: { recorded: twinRoot, knownDisks: twins } },
    says: /cannot be distinguished from others: \/dev\/sda .* \(1 disk like it, 2 at its last birth\); to allow.*SERIAL or PATH/,
  },
  {
    title: "one of two with its serial number, missing: the other one has another size",
    ...{ disks: [disk("/dev/sda", 9, { serial: "T" })] },
    ...{ history: { recorded: twinRoot, knownDisks: [twinRoot, disk("/dev/sdb", 9, { serial: "T" })] } },
    says: /is missing.*\/dev\/sda .*was in this machine before/,
  },
  {
    title: "without serial number and WWN, beside a data disk of its size, and now there is only one: refused",
    ...{
      disks: [disk("/dev/vda", 4)],
      history: {
        recorded: { serial: "", path: "/dev/vda", sizeBytes: 4 * gibibyte },
        knownDisks: [disk("/dev/vda", 4), disk("/dev/vdb", 4)],
      },
    },
    says: /cannot be distinguished from others: \/dev\/vda/,
  },
  {
    title: "without serial number and WWN, and all disks like it are there: by its path",
    ...{
      disks: [disk("/dev/vda", 4), disk("/dev/vdb", 4)],
      history: {
        recorded: { serial: "", path: "/dev/vdb", sizeBytes: 4 * gibibyte },
        knownDisks: [disk("/dev/vda", 4), disk("/dev/vdb", 4)],
      },
    },
    ...{ path: "/dev/vdb", says: /on record/ },
  },
  {
    title: "missing, and an operator allows any other: a new and empty one before those with data",
    ...{
      disks: [{ ...second, sizeBytes: 4 * gibibyte }, disk("/dev/sdc", 9, { serial: "S9", contents: [] })],
      history: { recorded: gone, knownDisks: [gone, second], allowedDisk: {} },
    },
    ...{ path: "/dev/sdc", says: /is missing; this disk is new in the machine and empty/ },
  },
  {
    title: "missing in a birth of a machine that was installed before: the next step is one that a birth accepts",
    ...{ disks: [second], history: { recorded: gone, knownDisks: [gone, second], action: "birth" } },
    says: /was in this machine before.*; to let the birth choose another disk and erase it: birther release NAME --wipe/,
  },
  {
    title: "one of two that cannot be distinguished, and an operator allows any",
    ...{ disks: twins.slice(0, 1), history: { recorded: twinRoot, knownDisks: twins, allowedDisk: {} } },
    ...{ path: "/dev/sda", says: /cannot be distinguished.*; an operator allowed any; the only suitable disk/ },
  },
  {
    title: "without serial number and WWN: path and size fit",
    ...{ disks: nameless, history: { recorded: { serial: "", path: "/dev/vdb", sizeBytes: 9 * gibibyte } } },
    ...{ path: "/dev/vdb", says: /without serial number and WWN, at \/dev\/vdb, 9216 MiB/ },
  },
  {
    title: "without serial number and WWN: another size at its path is another disk",
    ...{ disks: nameless, history: { recorded: { serial: "", path: "/dev/vda", sizeBytes: 9 * gibibyte } } },
    says: /is missing/,
  },
  {
    title: "too small today: nothing else is wiped in its place",
    ...{ disks: pair, history: { recorded: { serial: "S1" } }, minRootDiskMiB: 8192 },
    says: /\/dev\/sda, is too small: expected 8192 MiB, found 4096 MiB/,
  },
];
for (const { title, disks, history, path, says, minRootDiskMiB = 2048 } of histories) {
  test(`root disk on record: ${title}`, () => {
    const choice = chooseRootDisk(disks, { ...policy, minRootDiskMiB }, history);
    assert.equal(choice.kind === "chosen" ? choice.disk.path : undefined, path);
    assert.match(choice.kind === "chosen" ? choice.why : choice.reason, says);
  });
}

test("the chosen disk is looked at again before it is written to", () => {
  const chosen = disk("/dev/sdb", 9, { serial: "S2", wwn: "w2" });
  assert.equal(otherDiskReason(chosen, pair), undefined);
  assert.match(
    otherDiskReason(chosen, [{ ...chosen, serial: "S1", wwn: "w1" }]) ?? "",
    /^\/dev\/sdb is now another disk: expected serial S2, WWN w2, 9216 MiB, found serial S1/,
  );
  assert.match(otherDiskReason(chosen, [{ ...chosen, sizeBytes: 1 }]) ?? "", /another disk/);
  assert.match(otherDiskReason(chosen, []) ?? "", /is gone/);
});

const anyDisk = fc
  .record({
    sizeGiB: fc.constantFrom(4, 9),
    serial: fc.constantFrom("", "", "T", "S1", "S2"),
    wwn: fc.constantFrom("", "", "w1"),
    /** Whether it dies before the next birth. */
    dies: fc.constantFrom(true, false, false, false),
  })
  .map(({ sizeGiB, dies, ...names }) => ({ dies, disk: disk("", sizeGiB, names) }));

const isAlike = (one: Disk, other: Disk) =>
  one.serial === other.serial && one.wwn === other.wwn && one.sizeBytes === other.sizeBytes;

/** The kernel counts the disks that it finds. */
const found = (present: readonly Disk[]) =>
  present.map((each, index) => ({ ...each, path: `/dev/vd${"abcdefgh"[index]}` }));

test("property: disks that die, and others that come, never make a data disk the root disk", () => {
  let kept = 0;
  fc.assert(
    fc.property(
      fc.array(anyDisk, { minLength: 1, maxLength: 5 }),
      fc.nat({ max: 4 }),
      fc.option(fc.record({ sizeGiB: fc.constantFrom(4, 9), serial: fc.constantFrom("", "N") })),
      (machine, which, newcomer) => {
        const before = machine.map((each, index) => ({ ...each, disk: { ...each.disk, model: `disk ${index}` } }));
        const knownDisks = found(before.map((each) => each.disk));
        const recorded = knownDisks[which % knownDisks.length] ?? assert.fail("no disk");
        const alive = before.filter(({ dies }) => !dies).map((each) => each.disk);
        const added =
          newcomer === null
            ? []
            : [disk("", newcomer.sizeGiB, { serial: newcomer.serial, model: "new", contents: ["LVM"] })];
        // Nothing tells a disk that died from a newcomer with its names and size.
        const poses = before.some(({ dies, disk: gone }) => dies && added.some((one) => isAlike(one, gone)));
        if (poses) return;
        const choice = chooseRootDisk(found([...alive, ...added]), policy, { recorded, knownDisks });
        if (choice.kind === "refused") return;
        assert.equal(choice.disk.model, recorded.model, choice.why);
        kept += 1;
      },
    ),
    { numRuns: runs(3000) },
  );
  assert.ok(kept > 0, `only ${kept} root disks were recognised`);
});

test("a disk that the UEFI firmware has no driver for is not taken, and its refusal says what to do", () => {
  const sas = disk("/dev/sda", 100, { unseenByUefi: true });
  const nvme = disk("/dev/nvme0n1", 400);
  const on = (firmware: "bios" | "uefi", disks: readonly Disk[]) => chooseRootDisk(disks, policy, { firmware });
  const chosen = on("uefi", [sas, nvme]);
  assert.equal(chosen.kind === "chosen" && chosen.disk.path, "/dev/nvme0n1");
  const refused = on("uefi", [sas]);
  assert.match(refused.kind === "refused" ? refused.reason : "", /\/dev\/sda cannot be started by this UEFI firmware/);
});

test("a disk that the BIOS does not list is not taken: it could not be started", () => {
  const nvme = disk("/dev/nvme0n1", 100, { unlistedByBios: true });
  const sda = disk("/dev/sda", 400, { rotational: true, biosDrive: 0x80 });
  const on = (firmware: "bios" | "uefi", disks: readonly Disk[]) => chooseRootDisk(disks, policy, { firmware });
  const chosen = on("bios", [nvme, sda]);
  assert.equal(chosen.kind === "chosen" && chosen.disk.path, "/dev/sda");
  const refused = on("bios", [nvme]);
  assert.match(
    refused.kind === "refused" ? refused.reason : "",
    /\/dev\/nvme0n1 cannot be started by this BIOS, which lists other disks only: enable the option ROM/,
  );
  const uefi = on("uefi", [nvme, sda]);
  assert.equal(uefi.kind === "chosen" && uefi.disk.path, "/dev/nvme0n1");
});
