import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { MachineId } from "../core/machine/record.ts";
import { credentialFor, isKept, parseMachineCredential } from "./credential.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const id = "m-525400000001" as MachineId;
const credential = credentialFor(id, "0a".repeat(32));

test("a bearer credential names its machine; anything else is no credential", () => {
  assert.deepEqual(parseMachineCredential(`Bearer ${credential}`), { machineId: id, credential });
  for (const header of [undefined, "", credential, `Basic ${credential}`, "Bearer guess", `Bearer ${credential}0`]) {
    assert.equal(parseMachineCredential(header), undefined, header);
  }
});

test("a secret matches its hash; without a hash, nothing matches", () => {
  assert.equal(isKept(credential, sha256(credential), sha256), true);
  for (const hash of [undefined, "", sha256("other"), `${sha256(credential)}0`]) {
    assert.equal(isKept(credential, hash, sha256), false);
  }
});
