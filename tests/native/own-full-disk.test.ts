/** A machine whose own disk is full while others send it contents: that is said, and nobody else is blamed. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram } from "./native-program.ts";
import { newKey, sha512Of } from "./peer-server.ts";
import { startPeer, straight } from "./peer-way.ts";

const key = newKey();
const contents = Array.from({ length: 12 }, () => randomBytes(1_000_000));
const wanted = contents.map((content) => ({ sha512: sha512Of(content), size: content.length }));
const noRoom = /No space left on device/;

/** Runs a program whose root has room for a third of the contents, beside two peers that have all. */
async function withLittleRoom(program: string, workFor: (endpoints: readonly string[]) => object) {
  await using stack = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), "birther-own-disk-"));
  stack.defer(() => rm(root, { recursive: true }));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "birther-test", root]);
  stack.defer(() => void execFileSync("umount", [root]));
  const peers = [1, 2].map(() => startPeer(straight, { key, bytesPerSecond: 0, contents }));
  const endpoints: string[] = [];
  for (const peer of peers) endpoints.push(stack.use(await peer).endpoint);
  return await runProgram(root, program, [root, JSON.stringify(workFor(endpoints))]);
}

test("contents from one peer", async () => {
  const { own, fault } = await withLittleRoom("peer-fetch", ([endpoint = ""]) => {
    const [address = "", port] = endpoint.split(":");
    const peer = { address, port: Number(port), key, expectedBytesPerSecond: 0 };
    return { peer, wanted, serves: false, again: false };
  });
  assert.match(own, noRoom);
  assert.equal(fault, undefined);
});

test("contents from several peers at once", async () => {
  const { own, faults } = await withLittleRoom("peer-several", (endpoints) => {
    return { endpoints, key, bytesPerSecond: 0, wanted };
  });
  assert.match(own, noRoom);
  assert.deepEqual(faults, []);
});
