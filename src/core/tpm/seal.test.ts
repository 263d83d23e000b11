import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { hexFromBytes } from "../bytes/text.ts";
import { storageTemplate } from "./seal-command.ts";
import { alternativesOf, policyStages } from "./seal-policy.ts";
import { readSealedKey, writeSealedKey } from "./sealed-key.ts";

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
const digests = (count: number) => Array.from({ length: count }, (_, index) => sha256(Uint8Array.of(index)));

test("a TPM takes two to eight alternatives; a single one stands twice, and more than 64 are refused", () => {
  const shape = (count: number) => {
    const { groups, over } = alternativesOf(digests(count), sha256);
    return [groups.map((group) => group.length), over?.length];
  };
  assert.deepEqual(shape(1), [[2], undefined]);
  assert.deepEqual(shape(8), [[8], undefined]);
  assert.deepEqual(shape(9), [[8, 2], 2]);
  assert.deepEqual(shape(64), [[8, 8, 8, 8, 8, 8, 8, 8], 8]);
  for (const count of [0, 65]) assert.throws(() => alternativesOf(digests(count), sha256), /1 to 64 alternatives/);
  const to = { firmware: digests(1), grub: digests(1), recovery: digests(8) };
  assert.throws(() => policyStages(to, sha256), /at most 7 recoveries, found 8/);
});

test("a sealed key is read as it was written; cut off, longer or of another version it is none", () => {
  const object = { privatePart: Uint8Array.of(1, 2, 3), publicPart: Uint8Array.of(4, 5) };
  const sealed = { to: { firmware: digests(8), grub: digests(3), recovery: digests(1) }, object };
  const written = writeSealedKey(sealed);
  assert.deepEqual(readSealedKey(written), sealed);
  for (let length = 0; length < written.length; length += 1)
    assert.equal(readSealedKey(written.subarray(0, length)), undefined);
  assert.equal(readSealedKey(Uint8Array.of(...written, 0)), undefined);
  assert.equal(readSealedKey(Uint8Array.of(...written.subarray(0, 3), 2, ...written.subarray(4))), undefined);
});

test("the template of the storage key, byte by byte", () => {
  const zeros = "00".repeat(32);
  const expected = `0023000b0003047200000006008000430010000300100020${zeros}0020${zeros}`;
  assert.equal(hexFromBytes(storageTemplate()), expected);
});
