import assert from "node:assert/strict";
import { test } from "node:test";
import { type KeyOffer, keyLocationOf } from "./storage-policy.ts";

const keeps: KeyOffer = { kind: "keeps" };
const noVariables: KeyOffer = { kind: "keepsNone", reason: "BIOS firmware has no variables" };
const full: KeyOffer = { kind: "keepsNone", reason: "its TPM keeps no key: it is full" };

const fallback = { diskKeyInTpm: "fallback", sealDiskKey: false } as const;

test("the disk key goes into a variable, else into the TPM, else nowhere with the reasons of both", () => {
  const never = () => assert.fail("the TPM is not tried");
  assert.deepEqual(keyLocationOf(keeps, never, fallback), { kind: "uefi-variable" });
  assert.deepEqual(
    keyLocationOf(noVariables, () => keeps, fallback),
    { kind: "tpm" },
  );
  assert.deepEqual(
    keyLocationOf(noVariables, () => full, fallback),
    { kind: "none", reason: "BIOS firmware has no variables; its TPM keeps no key: it is full" },
  );
  assert.deepEqual(keyLocationOf(noVariables, never, { diskKeyInTpm: "never", sealDiskKey: false }), {
    kind: "none",
    reason: "BIOS firmware has no variables; storage.diskKeyInTpm is never",
  });
});

test("with prefer the TPM comes first, unless the key is to be sealed, which needs a variable", () => {
  const prefer = { diskKeyInTpm: "prefer", sealDiskKey: false } as const;
  const [good, bad] = [() => keeps, () => full];
  assert.deepEqual(keyLocationOf(keeps, good, prefer), { kind: "tpm" });
  assert.deepEqual(keyLocationOf(noVariables, good, prefer), { kind: "tpm" });
  const tpmRefused = "its TPM keeps no key: it is full";
  assert.deepEqual(keyLocationOf(keeps, bad, prefer), { kind: "uefi-variable", tpmRefused });
  assert.equal(keyLocationOf(noVariables, bad, prefer).kind, "none");
  const untried = () => assert.fail("the TPM is not tried");
  assert.deepEqual(keyLocationOf(keeps, untried, { ...prefer, sealDiskKey: true }), { kind: "uefi-variable" });
  assert.deepEqual(keyLocationOf(noVariables, good, { ...prefer, sealDiskKey: true }), { kind: "tpm" });
});
