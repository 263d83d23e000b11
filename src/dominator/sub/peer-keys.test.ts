import assert from "node:assert/strict";
import { test } from "node:test";
import { peerKeysAt } from "./peer-keys.ts";

test("keys of peers last an hour, and the former one an hour more; without the secret nobody has them", () => {
  const hour = 3_600_000;
  const [present, former] = peerKeysAt("secret", 10 * hour);
  assert.match(present, /^[0-9a-f]{64}$/);
  assert.notEqual(present, former);
  assert.deepEqual(peerKeysAt("secret", 11 * hour - 1), [present, former]);
  assert.equal(peerKeysAt("secret", 11 * hour)[1], present);
  assert.notEqual(peerKeysAt("other", 10 * hour)[0], present);
});
