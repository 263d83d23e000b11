import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isSigned } from "./signature.ts";

/** The header of an x64 EFI program with a certificate table of this size. */
function program(certificateBytes: number): Uint8Array {
  const bytes = new Uint8Array(0x200);
  const view = new DataView(bytes.buffer);
  bytes.set([0x4d, 0x5a]);
  view.setUint32(0x3c, 0x80, true);
  bytes.set([0x50, 0x45, 0, 0], 0x80);
  view.setUint16(0x98, 0x20b, true);
  view.setUint32(0x98 + 144, 0x1000, true);
  view.setUint32(0x98 + 148, certificateBytes, true);
  return bytes;
}

test("a program with a certificate table is signed; one without, or a file that is not a program, is not", () => {
  assert.equal(isSigned(program(1736)), true);
  assert.equal(isSigned(program(0)), false);
  assert.equal(isSigned(program(1736).subarray(0, 0x100)), false);
  assert.equal(isSigned(new Uint8Array(0x200)), false);
});

test("no bytes make it throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const marked = Uint8Array.from([0x4d, 0x5a, ...bytes]);
      return typeof isSigned(marked) === "boolean" && typeof isSigned(bytes) === "boolean";
    }),
  );
});
