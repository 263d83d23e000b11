import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../tests/support/runs.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

test("encodeUtf8 writes what TextEncoder writes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 6000 }), (text) => {
      assert.deepEqual(encodeUtf8(text), new TextEncoder().encode(text));
    }),
    { numRuns: runs(100) },
  );
  assert.deepEqual(encodeUtf8("a\ud800b"), new TextEncoder().encode("a\ud800b"));
});

test("decodeUtf8 reads back what was written", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 6000 }), (text) => {
      assert.equal(
        decodeUtf8(new TextEncoder().encode(text)),
        new TextDecoder().decode(new TextEncoder().encode(text)).replace(/^\ufeff/, (mark) => mark),
      );
    }),
    { numRuns: runs(100) },
  );
});

test("no bytes make decodeUtf8 throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.equal(typeof decodeUtf8(bytes), "string");
    }),
  );
  assert.equal(decodeUtf8(Uint8Array.of(0x61, 0xc3, 0x28, 0xff)), "a\ufffd(\ufffd");
  assert.equal(decodeUtf8(Uint8Array.of(0xed, 0xa0, 0x80)).includes("\ud800"), false);
});
