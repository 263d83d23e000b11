import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRootDiskRules } from "../site/check-rules.ts";
import type { Disk } from "./hardware.ts";
import { chooseRootDisk, type RootDiskHistory } from "./root-disk.ts";
import { type RootDiskRule, rootDiskConditions } from "./root-disk-rules.ts";

const policy = { minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };
const gibibyte = 2 ** 30;

const ssd: Disk = {
  path: "/dev/sda",
  model: "INTEL SSDSC2KB48",
  serial: "S1",
  wwn: "naa.5002538000000001",
  sizeBytes: 447 * gibibyte,
  rotational: false,
  removable: false,
  bus: "ata",
  transport: "sata",
  devicePath: "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0",
  biosDrive: 0x81,
};
const nvme: Disk = {
  path: "/dev/nvme0n1",
  model: "SAMSUNG MZQL2",
  serial: "N1",
  wwn: "eui.0025380000000001",
  sizeBytes: 3576 * gibibyte,
  rotational: false,
  removable: false,
  bus: "nvme",
  transport: "pcie",
  devicePath: "pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1",
  biosDrive: 0x82,
};
const hdd: Disk = {
  path: "/dev/sdb",
  model: "ST4000NM",
  serial: "Z1",
  wwn: "",
  sizeBytes: 3726 * gibibyte,
  rotational: true,
  removable: false,
  bus: "scsi",
  biosDrive: 0x80,
};
const stick: Disk = { ...hdd, path: "/dev/sdc", serial: "U1", sizeBytes: 4 * gibibyte, bus: "usb", transport: "usb" };
const all = [ssd, nvme, hdd, stick];

const choose = (rules: readonly RootDiskRule[], disks = all, history: RootDiskHistory = {}) =>
  chooseRootDisk(disks, policy, { ...history, rules });

/** For each condition a rule that takes exactly one disk. */
const single: { readonly [Name in keyof RootDiskRule]-?: readonly [rule: RootDiskRule, path: string] } = {
  minSizeGiB: [{ minSizeGiB: 3577 }, "/dev/sdb"],
  maxSizeGiB: [{ maxSizeGiB: 447 }, "/dev/sda"],
  rotational: [{ rotational: true }, "/dev/sdb"],
  bus: [{ bus: "nvme" }, "/dev/nvme0n1"],
  transport: [{ transport: "pcie" }, "/dev/nvme0n1"],
  model: [{ model: "ST4000.*" }, "/dev/sdb"],
  serial: [{ serial: "Z[0-9]" }, "/dev/sdb"],
  wwn: [{ wwn: "eui\\..*" }, "/dev/nvme0n1"],
  biosDrive: [{ biosDrive: 0x80 }, "/dev/sdb"],
  path: [{ path: "pci0000:00/0000:00:04\\.0/.*" }, "/dev/nvme0n1"],
};
for (const name of rootDiskConditions) {
  const [rule, path] = single[name];
  test(`root disk rules: ${name} decides, and the reason names it`, () => {
    const choice = choose([{ bus: "mmc" }, rule]);
    assert.equal(choice.kind === "chosen" && choice.disk.path, path);
    assert.match(choice.kind === "chosen" ? choice.why : "", new RegExp(`^root disk rule 2: ${name} `));
  });
}

test("root disk rules: all conditions of a rule must hold, and texts match as a whole", () => {
  const wants = (rule: RootDiskRule) => choose([rule]).kind;
  assert.equal(wants({ bus: "nvme", rotational: true }), "refused");
  assert.equal(wants({ model: "ST4000" }), "refused");
  assert.equal(wants({ path: "/dev/sd[ab]", maxSizeGiB: 500 }), "chosen");
});

test("root disk rules: the first rule that takes a disk decides, and of its disks the fittest", () => {
  const choice = choose([{ minSizeGiB: 3000 }, { bus: "ata" }]);
  assert.equal(
    choice.kind === "chosen" && `${choice.disk.path}: ${choice.why}`,
    "/dev/nvme0n1: root disk rule 1: minSizeGiB 3000; the smallest solid state disk of 2 suitable ones: 3661824 MiB, 2048 MiB needed",
  );
  const any = choose([{ bus: "mmc" }, {}]);
  assert.equal(any.kind === "chosen" && any.disk.path, "/dev/sda");
  assert.match(any.kind === "chosen" ? any.why : "", /^root disk rule 2: any disk; the smallest/);
});

test("root disk rules: no disk is taken: each is named with the reason, those with the same reason together", () => {
  const small = { ...ssd, path: "/dev/sdd", sizeBytes: gibibyte };
  const twin = { ...hdd, path: "/dev/sde", serial: "Z2" };
  const choice = choose([{ bus: "mmc" }, { bus: "nvme", maxSizeGiB: 500 }], [...all, small, twin]);
  assert.equal(
    choice.kind === "refused" && choice.reason,
    "none of the 2 rules of storage.rootDisk takes a disk: " +
      "/dev/sda (rule 1 expected bus mmc, found ata, rule 2 expected bus nvme, found ata); " +
      "/dev/nvme0n1 (rule 1 expected bus mmc, found nvme, rule 2 expected maxSizeGiB 500, found 3576); " +
      "/dev/sdb, /dev/sde (rule 1 expected bus mmc, found scsi, rule 2 expected bus nvme, found scsi); " +
      "/dev/sdc (on USB); /dev/sdd (expected 2048 MiB, found 1024 MiB)",
  );
});

test("root disk rules: the disk on record and an operator's choice come before them, a replacement obeys them", () => {
  const recorded = { serial: "Z1", wwn: "", path: "/dev/sdb", sizeBytes: hdd.sizeBytes };
  const path = (history: RootDiskHistory, disks = all) => {
    const choice = choose([{ bus: "nvme" }], disks, history);
    return choice.kind === "chosen" ? choice.disk.path : choice.reason;
  };
  assert.equal(path({ recorded }), "/dev/sdb");
  assert.equal(path({ allowedDisk: { selector: "s1" } }), "/dev/sda");
  const empty = [ssd, nvme].map((disk) => ({ ...disk, contents: [] }));
  assert.equal(path({ recorded, knownDisks: [recorded] }, empty), "/dev/nvme0n1");
  assert.match(
    path({ recorded, knownDisks: [recorded] }, empty.slice(0, 1)),
    /is missing; .*the rule of storage.rootDisk takes no disk: \/dev\/sda \(rule 1 expected bus nvme, found ata\)$/,
  );
});

test("root disk rules: what can be seen without a machine is refused with the configuration", () => {
  const problems = checkRootDiskRules([{ model: "(" }, { minSizeGiB: 9, maxSizeGiB: 8 }, {}, { bus: "nvme" }]);
  assert.deepEqual(
    problems.map(({ path }) => path),
    ["0.model", "1.maxSizeGiB", "3"],
  );
  assert.deepEqual(checkRootDiskRules([{ bus: "nvme", model: "S.*" }, {}]), []);
});
