import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertBegun,
  callWhileErasing,
  deviceStep,
  hasOldData,
  machineToClean,
  reasonOf,
  sdDisk,
  statements,
} from "./cleaning.ts";
import { type AtaFacts, makeAtaDisk } from "./host/storage/ata-device.ts";
import { makeScsiDisk, type ScsiFacts } from "./host/storage/scsi-device.ts";

const ata = (facts: AtaFacts) => {
  const disk = makeAtaDisk(facts);
  return { ...disk, facts: sdDisk("sda", "A1", { vendor: "ATA", device: disk.device }) };
};
const scsi = (facts: ScsiFacts) => {
  const disk = makeScsiDisk(facts);
  return { ...disk, facts: sdDisk("sda", "S1", { vendor: "SEAGATE", device: disk.device }) };
};
const required = { sanitize: "require" } as const;

const ways: {
  readonly [title: string]: { disk: ReturnType<typeof sdDisk>; method: string; what: RegExp; how: RegExp };
} = {
  "ATA crypto scramble": {
    disk: ata({ crypto: true, block: true, security: true }).facts,
    ...{
      method: "ataSanitize",
      what: /crypto scramble/,
      how: /SANITIZE STATUS says completed without error; none of 64/,
    },
  },
  "ATA block erase": {
    disk: ata({ block: true, frozen: "security", security: true }).facts,
    ...{ method: "ataSanitize", what: /block erase/, how: /completed without error/ },
  },
  "ATA SECURITY ERASE UNIT, enhanced": {
    disk: ata({ security: true, enhanced: true }).facts,
    ...{ method: "ataSecurityErase", what: /enhanced/, how: /the command completed without an error; none of 64/ },
  },
  "ATA SECURITY ERASE UNIT": {
    disk: ata({ security: true, eraseMinutes: 180 }).facts,
    ...{ method: "ataSecurityErase", what: /normal/, how: /the command completed/ },
  },
  "SCSI cryptographic erase": {
    disk: scsi({ sanitizes: [2, 3] }).facts,
    ...{ method: "scsiSanitize", what: /cryptographic erase/, how: /neither in progress nor failed; none of 64/ },
  },
  "SCSI block erase": {
    disk: scsi({ sanitizes: [2] }).facts,
    ...{ method: "scsiSanitize", what: /block erase/, how: /neither in progress nor failed/ },
  },
};
for (const [title, { disk, method, what, how }] of Object.entries(ways))
  test(`${title}: the disk erases itself, and its statement says how and how that was seen`, (t) => {
    const machine = machineToClean(t, { disks: [disk], ask: required });
    assertBegun(machine.bootInit());
    const [statement = assert.fail()] = statements(machine);
    const step = deviceStep(statement) ?? assert.fail("no step of the device");
    assert.equal(step.method, method);
    assert.match(step.what, what);
    assert.match(step.verification.kind === "verified" ? step.verification.how : "", how);
    assert.deepEqual(statement.outcome, { kind: "sanitized" });
    assert.ok(!hasOldData(machine, "sda"));
  });

const unwilling: { readonly [title: string]: { disk: ReturnType<typeof sdDisk>; reason: RegExp } } = {
  "an ATA disk that the firmware has frozen": {
    disk: ata({ security: true, frozen: "security" }).facts,
    reason:
      /\/dev\/sda \(serial A1.*: the firmware of the machine has frozen it \(SECURITY FREEZE LOCK\) until its power is cut/,
  },
  "an ATA disk whose SANITIZE is frozen": {
    disk: ata({ block: true, frozen: "sanitize" }).facts,
    reason: /has frozen it \(SANITIZE FREEZE LOCK\)/,
  },
  "an ATA disk that offers nothing": {
    disk: ata({}).facts,
    reason: /neither SANITIZE DEVICE with a crypto scramble or block erase nor the security feature set/,
  },
  "a SCSI disk that offers nothing": {
    disk: scsi({ sanitizes: [] }).facts,
    reason: /no SANITIZE with a cryptographic or block erase/,
  },
  "a RAID volume that knows no such command": { disk: scsi({}).facts, reason: /no SANITIZE/ },
};
for (const [title, { disk, reason }] of Object.entries(unwilling))
  test(`${title} is named before anything is written`, (t) => {
    const machine = machineToClean(t, { disks: [disk], ask: required });
    machine.bootInit();
    assert.match(reasonOf(machine), reason);
    assert.ok(hasOldData(machine, "sda"));
    assert.deepEqual(statements(machine), []);
  });

test("a SCSI disk that refuses SANITIZE when it comes to it fails the clean with its sense data", (t) => {
  const { facts } = scsi({ sanitizes: [3], refuses: [7, 0x27, 0] });
  const machine = machineToClean(t, { disks: [facts], ask: required });
  machine.bootInit();
  assert.match(reasonOf(machine), /\/dev\/sda: SANITIZE: expected it to begin, found SCSI status 2, sense 07\/27\/00/);
});

const failures = {
  ATA: { disk: ata({ block: true, fails: true }).facts, reason: /SANITIZE STATUS says that the latest operation/ },
  SCSI: { disk: scsi({ sanitizes: [2], fails: true }).facts, reason: /the latest SANITIZE failed \(31h\/03h\)/ },
};
for (const [title, { disk, reason }] of Object.entries(failures))
  test(`${title}: a sanitize operation that fails is named, and leaves no certificate`, (t) => {
    const machine = machineToClean(t, { disks: [disk], ask: required });
    machine.bootInit();
    assert.match(reasonOf(machine), reason);
    assert.deepEqual(statements(machine), []);
  });

for (const [title, make] of [
  [
    "ATA",
    () => sdDisk("sda", "A1", { vendor: "ATA", device: makeAtaDisk({ block: true, sanitizeMs: 600_000 }).device }),
  ],
  ["SCSI", () => scsi({ sanitizes: [2], sanitizeMs: 600_000 }).facts],
] as const)
  test(`${title}: a power cut while a disk erases itself: the next boot waits for it and does not begin anew`, (t) => {
    const cutAt = callWhileErasing(t, make());
    const machine = machineToClean(t, { disks: [make()], ask: required });
    assert.notEqual(machine.bootInit({ cutAt }).end.kind, "switchedRoot");
    const again = machine.bootInit();
    assertBegun(again);
    assert.ok(again.kernel.screen.some((line) => line.includes("erasing themselves since before this start")));
    const step = statements(machine).map(deviceStep).at(-1) ?? assert.fail("no step");
    assert.match(step.what, /^SANITIZE that went on through a restart of the machine$/);
    assert.ok(!hasOldData(machine, "sda"));
  });

test("a power cut during SECURITY ERASE UNIT leaves a locked disk, which the next attempt unlocks and erases", (t) => {
  const disk = ata({ security: true });
  const machine = machineToClean(t, { disks: [disk.facts], ask: required });
  disk.cutNextErase();
  machine.bootInit();
  assert.match(reasonOf(machine), /SECURITY ERASE UNIT: expected success, found status 0x51, error 0x4/);
  assert.equal(disk.passwordOf(), "Birther");
  assertBegun(machine.bootInit());
  assert.equal(disk.passwordOf(), undefined);
  assert.equal(disk.received(0xf2), 1);
  assert.ok(!hasOldData(machine, "sda"));
});
