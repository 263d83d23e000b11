import assert from "node:assert/strict";
import { test } from "node:test";
import { patchBootImage, patchCoreImage } from "./grub-bios.ts";

/** A sector whose bytes contain their own offsets, with GRUB's mark at its end. */
function bootImage(): Uint8Array {
  const bytes = Uint8Array.from({ length: 512 }, (_, index) => index & 0x7f);
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}

function coreImage(sectors: number, cutBytes = 0): Uint8Array {
  const bytes = new Uint8Array(sectors * 512 - cutBytes).fill(0x33);
  const view = new DataView(bytes.buffer);
  view.setUint16(0x1f4 + 8, sectors - 1, true);
  view.setUint16(0x1f4 + 10, 0x820, true);
  return bytes;
}

test("boot.img: gets the location of core.img, and the disk's own partition table", () => {
  const disk = new Uint8Array(512).fill(0xee);
  const patched = patchBootImage(bootImage(), disk, 2 ** 33 + 2048);
  if (patched.kind === "unusable") assert.fail(patched.reason);
  assert.deepEqual(patched.bytes.subarray(0x5c, 0x64), Uint8Array.of(0, 8, 0, 0, 2, 0, 0, 0));
  assert.deepEqual(patched.bytes.subarray(0x66, 0x68), Uint8Array.of(0x90, 0x90));
  assert.equal(patched.bytes[0x1b7], 0x1b7 & 0x7f);
  assert.ok(patched.bytes.subarray(0x1b8).every((byte) => byte === 0xee));
});

test("core.img: its first sector gets the location of the second one; padded to whole sectors", () => {
  const patched = patchCoreImage(coreImage(3, 100), 2048, 2048);
  if (patched.kind === "unusable") assert.fail(patched.reason);
  assert.equal(patched.bytes.length, 3 * 512);
  assert.deepEqual(patched.bytes.subarray(0x1f4, 0x200), Uint8Array.of(1, 8, 0, 0, 0, 0, 0, 0, 2, 0, 0x20, 8));
});

const unusable: readonly { title: string; patch: () => ReturnType<typeof patchCoreImage>; reason: RegExp }[] = [
  {
    title: "boot.img of a wrong size",
    patch: () => patchBootImage(new Uint8Array(446), new Uint8Array(512), 1),
    reason: /446 bytes/,
  },
  {
    title: "boot.img without its mark",
    patch: () => patchBootImage(new Uint8Array(512), new Uint8Array(512), 1),
    reason: /55 AA/,
  },
  {
    title: "core.img larger than its partition",
    patch: () => patchCoreImage(coreImage(9), 1, 8),
    reason: /needs 9 sectors/,
  },
  { title: "core.img of one sector", patch: () => patchCoreImage(new Uint8Array(512), 1, 8), reason: /only 512 bytes/ },
  { title: "something else", patch: () => patchCoreImage(new Uint8Array(2048), 1, 8), reason: /no BIOS disk image/ },
];
for (const row of unusable) {
  test(`GRUB images that cannot be used: ${row.title}`, () => {
    const patched = row.patch();
    assert.match(patched.kind === "unusable" ? patched.reason : "", row.reason);
  });
}
