import assert from "node:assert/strict";
import { test } from "node:test";
import { type DiskIdentity, findRecorded, isRecognisable, recognitionOf } from "./disk-identity.ts";
import { chooseRootDisk } from "./root-disk.ts";

test("a placeholder in place of a serial number or WWN does not tell a disk from others", () => {
  const at = (path: string, serial: string, wwn = ""): DiskIdentity => ({ path, serial, wwn, sizeBytes: 2 ** 34 });
  for (const [serial, wwn] of [
    ["00000000", ""],
    ["QM00001", ""],
    ["0123456789", ""],
    ["NotApplicable", "naa.0000000000000000"],
    ["", "eui.ffffffffffffffff"],
  ] as const) {
    const disk = at("/dev/sda", serial, wwn);
    const other = at("/dev/sdb", "S-2");
    assert.deepEqual(recognitionOf(disk, [disk, other]).kind, "pathAndSize", `${serial} ${wwn}`);
    const search = (disks: readonly DiskIdentity[], known = [disk, other]) => findRecorded(disks, disk, known).kind;
    assert.equal(search([disk, other]), "found");
    assert.equal(search([at("/dev/sda", "", ""), other]), "found", "however its vendor fills the place");
    assert.equal(search([at("/dev/sdb", serial, wwn), other]), "missing", "another path");
    assert.equal(search([at("/dev/sda", "S-3"), other]), "missing", "a disk with a name of its own is another one");
  }
  assert.equal(recognitionOf(at("/dev/sda", "S1"), []).kind, "identity", "short serial numbers are serial numbers");
});

const kind = { rotational: false, removable: false, bus: "ata" } as const;

test("a record with a placeholder and no path still names a disk: no other takes its place", () => {
  const recorded = { serial: "QM00001" };
  const only = { ...{ path: "/dev/sda", model: "", serial: "S-2", wwn: "", sizeBytes: 2 ** 34 }, ...kind };
  const policy = { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };
  const choice = chooseRootDisk([only], policy, { recorded, knownDisks: [only] });
  assert.equal(isRecognisable(recorded), true);
  assert.match(
    choice.kind === "refused" ? choice.reason : choice.why,
    /the root disk on record \(serial QM00001\) is missing/,
  );
});
