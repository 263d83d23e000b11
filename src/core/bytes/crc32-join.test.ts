import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { crcShift, joinCrc } from "./crc32-join.ts";

test("checksums of parts join to zlib's of the whole", () => {
  const bytes = fc.uint8Array({ maxLength: 3000 });
  fc.assert(
    fc.property(bytes, bytes, (first, second) => {
      const joined = joinCrc(crc32(first), { crc: crc32(second), shift: crcShift(second.length) });
      assert.equal(joined, crc32(Buffer.concat([first, second])));
    }),
  );
});

test("a long part joins, too", () => {
  const [first, second] = [Buffer.from("head"), Buffer.alloc(5_000_003, "rows")];
  const joined = joinCrc(crc32(first), { crc: crc32(second), shift: crcShift(second.length) });
  assert.equal(joined, crc32(second, crc32(first)));
});
