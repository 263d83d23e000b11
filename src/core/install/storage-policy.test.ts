import assert from "node:assert/strict";
import { test } from "node:test";
import { type KeyOffer, keyLocationOf } from "./storage-policy.ts";

const keeps: KeyOffer = { kind: "keeps" };
const noVariables: KeyOffer = { kind: "keepsNone", reason: "BIOS firmware has no variables" };
const full: KeyOffer = { kind: "keepsNone", reason: "its TPM keeps no key: it is full" };

test("the disk key goes into a variable, else into the TPM, else nowhere with the reasons of both", () => {
  const never = () => assert.fail("the TPM is not tried");
  assert.deepEqual(keyLocationOf(keeps, never, { diskKeyInTpm: "fallback" }), { kind: "uefi-variable" });
  assert.deepEqual(
    keyLocationOf(noVariables, () => keeps, { diskKeyInTpm: "fallback" }),
    { kind: "tpm" },
  );
  assert.deepEqual(
    keyLocationOf(noVariables, () => full, { diskKeyInTpm: "fallback" }),
    { kind: "none", reason: "BIOS firmware has no variables; its TPM keeps no key: it is full" },
  );
  assert.deepEqual(keyLocationOf(noVariables, never, { diskKeyInTpm: "never" }), {
    kind: "none",
    reason: "BIOS firmware has no variables; storage.diskKeyInTpm is never",
  });
});
