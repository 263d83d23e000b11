import assert from "node:assert/strict";
import { test } from "node:test";
import { diskKeysText } from "./summary-text.ts";

test("status counts disk keys where sealing was asked for, the most frequent cause first", () => {
  assert.deepEqual(diskKeysText({ "unsealed-not-asked": 4000, unencrypted: 3 }), []);
  assert.deepEqual(diskKeysText({ "sealed-key": 3940 }), ["disk keys: 3,940 sealed"]);
  assert.deepEqual(diskKeysText({ "tpm-key": 40, unencrypted: 3 }), [
    "disk keys: 0 sealed, 40 in TPMs, 3 not encrypted",
  ]);
  assert.deepEqual(diskKeysText({ "sealed-key": 3940, unencrypted: 3, "unsealed-gave-up": 7, "unsealed-no-tpm": 50 }), [
    "disk keys: 3,940 sealed, 50 not sealed: no-tpm, 7 not sealed: gave-up, 3 not encrypted; birther machines --where trust=unsealed-no-tpm",
  ]);
});
