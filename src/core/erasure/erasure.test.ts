import assert from "node:assert/strict";
import { test } from "node:test";
import type { StorageReport } from "../machine/storage.ts";
import { type DiskErasure, type ErasureMethod, isRecorded, outcomeOf } from "./erasure.ts";

const disk = { path: "/dev/vda", serial: "S1", wwn: "", model: "M", sizeBytes: 2 ** 32 };
const encrypted: StorageReport = {
  rootDisk: { path: "/dev/vda", serial: "S1", sizeBytes: 2 ** 32, why: "the only disk" },
  encryption: { kind: "luks2", keyIn: "uefi-variable" },
};
const plain: StorageReport = { ...encrypted, encryption: { kind: "none", reason: "a BIOS" } };

function erasure(methods: readonly ErasureMethod[], { seen = true, found = 1 } = {}): DiskErasure {
  const verification = seen
    ? ({ kind: "verified", how: "read back" } as const)
    : ({ kind: "unverified", reason: "nobody looked" } as const);
  return {
    disk,
    steps: methods.map((method) => ({ method, what: "it", found, startedAtMs: 1, endedAtMs: 2, verification })),
  };
}

test("an encrypted root whose headers were seen to be gone is erased, also where an earlier attempt overwrote them", () => {
  assert.deepEqual(outcomeOf(erasure(["keyDestroyed", "headerOverwritten"]), encrypted), { kind: "keysDestroyed" });
  assert.deepEqual(outcomeOf(erasure(["headerOverwritten"], { found: 0 }), encrypted), { kind: "keysDestroyed" });
});

test("a data disk of an encrypted machine is erased like its root disk; one whose key nobody saw to be gone is not", () => {
  const data = { ...disk, path: "/dev/vdb", serial: "S2" };
  const volumes = [
    { name: "data1", disk: { path: "/dev/vdb", serial: "S2", wwn: "", sizeBytes: 2 ** 32 }, sizeMiB: 4094 },
  ];
  const overwritten = { ...erasure(["headerOverwritten"]), disk: data };
  assert.deepEqual(outcomeOf(overwritten, { ...encrypted, volumes }), { kind: "keysDestroyed" });
  assert.equal(outcomeOf(overwritten, encrypted).kind, "notErased");
  assert.equal(outcomeOf(overwritten, { ...plain, volumes }).kind, "notErased");
});

test("nothing is claimed that is not known", () => {
  const reasonOf = (...parameters: Parameters<typeof outcomeOf>) => {
    const outcome = outcomeOf(...parameters);
    return outcome.kind === "notErased" ? outcome.reason : outcome.kind;
  };
  const both = erasure(["keyDestroyed", "headerOverwritten"]);
  assert.match(reasonOf(both, undefined), /nothing is known/);
  assert.match(reasonOf(both, plain), /was not encrypted: a BIOS/);
  const discarded = erasure(["headerOverwritten", "discarded"]);
  assert.match(
    reasonOf(discarded, plain),
    /not encrypted: a BIOS; its blocks were discarded, and samples read as zeros/,
  );
  assert.match(
    reasonOf({ ...both, disk: { ...disk, serial: "S2" } }, encrypted),
    /neither the root disk nor a data disk/,
  );
  assert.match(reasonOf(erasure(["headerOverwritten"], { seen: false }), encrypted), /nobody saw/);
  assert.match(reasonOf(erasure(["keyDestroyed"]), encrypted), /nobody saw/);
});

test("a device that erased itself is erased whatever it held, if it was verified", () => {
  assert.deepEqual(outcomeOf(erasure(["nvmeSanitize"]), undefined), { kind: "sanitized" });
  assert.deepEqual(outcomeOf(erasure(["scsiSanitize"]), plain), { kind: "sanitized" });
  assert.equal(outcomeOf(erasure(["nvmeFormat"], { seen: false }), plain).kind, "notErased");
});

test("a new machine without anything to destroy leaves no record", () => {
  assert.equal(isRecorded(erasure(["headerOverwritten"], { found: 0 }), undefined), false);
  assert.equal(isRecorded(erasure(["headerOverwritten"]), undefined), true);
  assert.equal(isRecorded(erasure(["headerOverwritten"], { found: 0 }), plain), true);
});
