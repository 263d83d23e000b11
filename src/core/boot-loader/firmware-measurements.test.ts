import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { hexFromBytes } from "../bytes/text.ts";
import { authenticodeSha256 } from "./authenticode.ts";
import { firmwareBoots } from "./firmware-measurements.ts";

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());

test("PCR 4: one call and a separator, two more events for each entry that failed, then the loader", () => {
  const loader = sha256(Buffer.from("a loader"));
  const extend = (pcr: Buffer, event: Uint8Array) => createHash("sha256").update(pcr).update(event).digest();
  const text = (words: string) => sha256(Buffer.from(`${words} EFI Application from Boot Option`));
  let before = [text("Calling"), sha256(Buffer.alloc(4))].reduce(extend, Buffer.alloc(32));
  const found = firmwareBoots(loader, sha256).map(hexFromBytes);
  assert.equal(new Set(found).size, 8);
  for (const each of found) {
    assert.equal(each, extend(before, loader).toString("hex"));
    before = [text("Returning from"), text("Calling")].reduce(extend, before);
  }
});

/** An EFI program (PE32+) of headers and two sections, which the table names in reverse order, and a signature. */
function program({ signature = 0 }: { readonly signature?: number } = {}): Uint8Array {
  const bytes = new Uint8Array(0x600 + signature).map((_, index) => index * 7);
  const view = new DataView(bytes.buffer);
  view.setUint32(0x3c, 0x80, true);
  view.setUint32(0x80, 0x50450000);
  view.setUint16(0x86, 2, true);
  view.setUint16(0x94, 0xf0, true);
  view.setUint16(0x98, 0x20b, true);
  view.setUint32(0x98 + 60, 0x200, true);
  view.setUint32(0x98 + 144, signature === 0 ? 0 : 0x600, true);
  view.setUint32(0x98 + 148, signature, true);
  for (const [index, at] of [0x400, 0x200].entries()) {
    view.setUint32(0x188 + 40 * index + 16, 0x200, true);
    view.setUint32(0x188 + 40 * index + 20, at, true);
  }
  return bytes;
}

test("the Authenticode hash: a signature, its directory and the checksum change nothing, any other byte does", () => {
  const plain = program();
  const hash = authenticodeSha256(plain, sha256) ?? assert.fail("no hash");
  const parts = [plain.subarray(0, 0xd8), plain.subarray(0xdc, 0x128), plain.subarray(0x130)];
  assert.deepEqual(hash, sha256(Buffer.concat(parts)));
  assert.deepEqual(authenticodeSha256(program({ signature: 64 }), sha256), hash);
  for (const [at, isSame] of [
    [0xd8, true],
    [0xdb, true],
    [0x20, false],
    [0x210, false],
    [0x5ff, false],
  ] as const) {
    const other = plain.slice();
    other[at] = (other[at] ?? 0) ^ 1;
    assert.equal(hexFromBytes(authenticodeSha256(other, sha256) ?? hash) === hexFromBytes(hash), isSame, `byte ${at}`);
  }
});

test("a file that is no EFI program for 64 bits, or is cut off, has no such hash", () => {
  assert.equal(authenticodeSha256(new Uint8Array(), sha256), undefined);
  assert.equal(authenticodeSha256(new Uint8Array(4096), sha256), undefined);
  for (const length of [0x50, 0x100, 0x1a0, 0x3ff, 0x5ff])
    assert.equal(authenticodeSha256(program().subarray(0, length), sha256), undefined, `${length} bytes`);
});
