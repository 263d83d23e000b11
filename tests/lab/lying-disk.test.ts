import assert from "node:assert/strict";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { serveLyingDisk } from "../../src/lab/lying-disk.ts";

const mebibyte = 2 ** 20;

/** A request of the NBD protocol: a command on bytes of the disk. */
function request(command: number, offset: number, length: number, data = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(28);
  head.writeUInt32BE(0x2560_9513, 0);
  head.writeUInt16BE(command, 6);
  head.writeBigUInt64BE(7n, 8);
  head.writeBigUInt64BE(BigInt(offset), 16);
  head.writeUInt32BE(length, 24);
  return Buffer.concat([head, data]);
}

test("a disk that lies keeps what is written, and gives the first bit of each mebibyte wrong", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "birther-lab-"));
  t.after(() => rm(directory, { recursive: true }));
  const [image, path] = [join(directory, "disk.raw"), join(directory, "disk.sock")];
  const file = await open(image, "w");
  await file.truncate(8 * mebibyte);
  await file.close();
  await using _disk = await serveLyingDisk(image, path);
  const socket = connect(path);
  const written = Buffer.alloc(2 * mebibyte, 0x55);
  const go = Buffer.alloc(16 + 6);
  go.write("IHAVEOPT", 0);
  go.writeUInt32BE(7, 8);
  go.writeUInt32BE(6, 12);
  socket.write(Buffer.concat([Buffer.alloc(4), go]));
  socket.write(request(1, 3 * mebibyte - 1000, written.length, written));
  socket.write(request(0, 3 * mebibyte - 1000, written.length));
  socket.write(request(0, 0, 2 * mebibyte));
  socket.write(request(2, 0, 0));
  const heard = Buffer.concat(await Array.fromAsync(socket));
  // Greeting, two replies of the negotiation, the answer to the write; then each read has an answer and its data.
  const reads = heard.subarray(18 + 20 + 12 + 20 + 16);
  const [first, second] = [reads.subarray(16, 16 + written.length), reads.subarray(32 + written.length)];
  const wrong = [...first.keys()].filter((at) => first[at] !== 0x55);
  assert.deepEqual(
    wrong.map((at) => [at, first[at]]),
    [
      [1000, 0x54],
      [1000 + mebibyte, 0x54],
    ],
  );
  assert.deepEqual(
    [second.length, second.every((byte) => byte === 0)],
    [2 * mebibyte, true],
    "holes are read as holes",
  );
  const kept = (await readFile(image)).subarray(3 * mebibyte - 1000);
  assert.ok(kept.subarray(0, written.length).equals(written));
});
