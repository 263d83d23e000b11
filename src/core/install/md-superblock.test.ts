import assert from "node:assert/strict";
import { test } from "node:test";
import { unsignedAt } from "../bytes/little-endian.ts";
import { mdArrayOf, mdDataBytes, mdMemberHead, mdSays, startingMembers } from "./md-superblock.ts";

const arrayId = Uint8Array.from({ length: 16 }, (_, index) => index + 1);
const head = (number: number, partitionBytes = 200 * 2 ** 20) =>
  mdMemberHead({
    ...{ arrayId, number, partitionBytes, members: 2, name: "birther:root", nowSeconds: 1_800_000_000 },
    memberId: new Uint8Array(16).fill(0xa0 + number),
  });

test("the head of a member: every field is where the kernel reads it", () => {
  const bytes = head(1);
  const at = (offset: number, size = 4) => unsignedAt(bytes, 4096 + offset, size);
  assert.equal(bytes.length, mdDataBytes);
  assert.deepEqual([at(0), at(4), at(8), at(72), at(92), at(96), at(160)], [0xa92b4efc, 1, 1, 1, 2, 8, 1]);
  assert.deepEqual([at(80, 8), at(128, 8), at(136, 8), at(144, 8)], [407_552, 2048, 407_552, 8]);
  assert.deepEqual([at(208), at(212), at(220)], [0xffffffff, 0xffffffff, 128], "nothing is to be copied");
  assert.deepEqual([at(256, 2), at(258, 2), at(260, 2)], [0, 1, 0xffff]);
  assert.deepEqual(mdArrayOf(bytes), arrayId);
  const bitmap = (offset: number, size = 4) => unsignedAt(bytes, 8192 + offset, size);
  assert.deepEqual([bitmap(0), bitmap(4), bitmap(24, 8), bitmap(40, 8)], [0x6d746962, 4, 1, 407_552]);
  assert.ok(
    bytes.subarray(8192 + 256).every((byte) => byte === 0),
    "no piece is being written",
  );
});

test("the checksum is the kernel's: of all words of the superblock, for sizes beyond 32 bits, too", () => {
  for (const size of [200 * 2 ** 20, 20 * 2 ** 40]) {
    const bytes = head(0, size);
    const words = Array.from({ length: 128 }, (_, index) => BigInt(unsignedAt(bytes, 4096 + 4 * index, 4)));
    const found = words[54] ?? 0n;
    const sum = words.reduce((total, word) => total + word, 0n) - found;
    assert.equal(found, ((sum & 0xffffffffn) + (sum >> 32n)) & 0xffffffffn);
    assert.equal(unsignedAt(bytes, 4096 + 80, 8), (size - mdDataBytes) / 512);
  }
});

test("a partition without a superblock belongs to no array; one too small for one is refused", () => {
  assert.equal(mdArrayOf(new Uint8Array(8192)), undefined);
  assert.equal(mdArrayOf(new Uint8Array(100)), undefined);
  assert.throws(() => head(0, mdDataBytes), /expected more than 1 MiB/);
});

test("an array starts without the member that the other one went on without, whatever their counts of events", () => {
  const [first, second] = [head(0), head(1)];
  const without = (bytes: Uint8Array, number: number, events = 1) => {
    const copy = bytes.slice();
    copy.set([0xfe, 0xff], mdSays.roles + 2 * number);
    copy[mdSays.events] = events;
    return copy;
  };
  assert.deepEqual(startingMembers(first, second), [0, 1]);
  for (const events of [1, 2, 9]) {
    assert.deepEqual(startingMembers(without(first, 1, events), second), [0]);
    assert.deepEqual(startingMembers(first, without(second, 0, events)), [1]);
  }
  assert.deepEqual(startingMembers(without(first, 1), without(second, 0)), [0]);
  assert.deepEqual(startingMembers(without(first, 1, 3), without(second, 0, 4)), [1], "it has changed more often");
});
