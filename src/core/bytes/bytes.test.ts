import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { uint8At, uint16At, uint32At } from "./big-endian.ts";
import { builtBytes, createBuilder, finishedBytes, padTo, putBytes, putText, putUnsigned } from "./builder.ts";
import { cursorOver, readBytes, readUnsigned, readZeroTerminated, remaining } from "./cursor.ts";
import { bytesFromHex, bytesFromText, hexFromBytes, textFromBytes } from "./text.ts";

test("a cursor reads numbers, bytes and zero-terminated text, and refuses to pass the end", () => {
  const cursor = cursorOver(Uint8Array.of(1, 2, 3, 0xff, 0xff, 0xff, 0xff, 65, 66, 0, 9));
  assert.equal(readUnsigned(cursor, 1), 1);
  assert.equal(readUnsigned(cursor, 2), 0x0203);
  assert.equal(readUnsigned(cursor, 4), 0xffffffff);
  assert.equal(textFromBytes(readZeroTerminated(cursor) ?? new Uint8Array()), "AB");
  assert.equal(readUnsigned(cursor, 2), undefined);
  assert.equal(readBytes(cursor, 2), undefined);
  assert.equal(readZeroTerminated(cursor), undefined);
  assert.equal(remaining(cursor), 1);
});

test("what a builder wrote a cursor reads back", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(0xffffffff), fc.uint8Array({ maxLength: 300 }))), (items) => {
      const builder = createBuilder(1);
      for (const item of items) typeof item === "number" ? putUnsigned(builder, item, 4) : putBytes(builder, item);
      const cursor = cursorOver(builtBytes(builder));
      for (const item of items)
        if (typeof item === "number") assert.equal(readUnsigned(cursor, 4), item);
        else assert.deepEqual(readBytes(cursor, item.length), item);
      assert.equal(remaining(cursor), 0);
    }),
  );
});

test("padding fills up with zeros and never cuts", () => {
  const builder = createBuilder(1);
  putBytes(builder, Uint8Array.of(1, 2));
  padTo(builder, 40);
  padTo(builder, 3);
  assert.equal(builder.length, 40);
  assert.deepEqual(builtBytes(builder).subarray(0, 4), Uint8Array.of(1, 2, 0, 0));
});

test("text goes into a builder as into bytes, cut at its limit, and parts of bytes are read as text", () => {
  const builder = createBuilder(1);
  putText(builder, "a€b");
  putText(builder, "snponly.efi", 3);
  const built = finishedBytes(builder);
  assert.deepEqual(built, bytesFromText("a?bsnp"));
  assert.deepEqual(
    [textFromBytes(built, 2), textFromBytes(built, 1, 3), textFromBytes(built, 3, 3)],
    ["bsnp", "?b", ""],
  );
  const long = new Uint8Array(10_000).fill(0xe9);
  assert.equal(textFromBytes(long), "é".repeat(10_000));
});

test("numbers at a place are read big-endian and unsigned", () => {
  const bytes = Uint8Array.of(0, 0xff, 0xfe, 0xfd, 0xfc);
  assert.deepEqual([uint8At(bytes, 1), uint16At(bytes, 1), uint32At(bytes, 1)], [0xff, 0xfffe, 0xfffefdfc]);
});

test("bytes survive being text and being hex", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(bytesFromText(textFromBytes(bytes)), bytes);
      assert.deepEqual(bytesFromHex(hexFromBytes(bytes)), bytes);
    }),
  );
  assert.equal(bytesFromHex("abc"), undefined);
  assert.equal(bytesFromHex("zz"), undefined);
  assert.deepEqual(bytesFromText("€"), Uint8Array.of(63));
});
