import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { sha512Of } from "../../src/dominator/storage/sha512.ts";
import { listening, packAt } from "./pack-server.ts";
import { type SubFixture, startSubFixture } from "./sub-fixture.ts";

const text = "a content that is worth a stream ".repeat(100_000);
const sketch = { "usr/bin/one": text, "usr/share/small": "small", "boot/efi/": "" };
const isInPlace = ({ root }: SubFixture) => assert.equal(readFileSync(join(root, "usr/bin/one"), "utf8"), text);

type Sent = { readonly bytes: number; readonly isFalse?: true };

/** A server of packs that sends so much of each answer, in turn, and breaks off; the whole when the list is at its end. */
async function packServer(sub: SubFixture, answers: readonly Sent[]) {
  const asked: number[] = [];
  const server = createServer((request, response) => {
    const [from = 0, to = 0] = (request.headers.range ?? "").replace("bytes=", "").split("-").map(Number);
    const { bytes, isFalse } = answers[asked.length] ?? { bytes: to + 1 - from };
    asked.push(from);
    const whole = packAt(sub, request).subarray(from, to + 1);
    const sent = whole.subarray(0, bytes).map((byte) => (isFalse ? byte ^ 1 : byte));
    response.writeHead(206, { "content-range": `bytes ${from}-${to}/*`, "content-length": whole.length });
    if (sent.length === whole.length) response.end(sent);
    // The end of what was sent, and not a reset that would drop it.
    else response.write(sent, () => response.socket?.end());
  });
  const at = await listening(server);
  sub.sources.push({ address: "127.0.0.1", port: at.port });
  return { asked, [Symbol.asyncDispose]: at[Symbol.asyncDispose] };
}

for (const bytes of [1, 1_048_577, text.length - 1])
  test(`a stream of a pack that breaks after ${bytes} bytes is continued there by the next server`, async () => {
    await using sub = await startSubFixture();
    await using first = await packServer(sub, [{ bytes }]);
    await using second = await packServer(sub, []);
    await sub.importSketch(sketch, []);
    await sub.runAgent();
    isInPlace(sub);
    const [from = 0] = first.asked;
    assert.deepEqual([first.asked.length, second.asked], [1, [from + bytes]]);
  });

test("a false beginning is not continued for ever, and the server with the true rest is not to blame", async () => {
  await using sub = await startSubFixture();
  await using liar = await packServer(sub, [{ bytes: 1_500_000, isFalse: true }]);
  await using other = await packServer(sub, []);
  await sub.importSketch(sketch, []);
  const { stdout } = await sub.runAgent();
  isInPlace(sub);
  const [from = 0] = liar.asked;
  assert.deepEqual([liar.asked.length, other.asked], [1, [from + 1_500_000, from]]);
  assert.equal(stdout.match(/a server of packs failed/g)?.length, 1);
});

test("after a false beginning, what one server sent is continued by that server only", async () => {
  await using sub = await startSubFixture();
  await using liar = await packServer(sub, [{ bytes: 1_500_000, isFalse: true }]);
  await using second = await packServer(sub, [{ bytes: text.length }, { bytes: 1_000_000, isFalse: true }]);
  await using third = await packServer(sub, []);
  await sub.importSketch(sketch, []);
  await sub.runAgent();
  isInPlace(sub);
  const [from = 0] = liar.asked;
  assert.deepEqual([second.asked, third.asked], [[from + 1_500_000, from], [from]]);
});

test("the server's other port continues what a server of packs began, and what broke there", async () => {
  await using sub = await startSubFixture();
  await using first = await packServer(sub, [{ bytes: 1_000_000 }]);
  await sub.importSketch(sketch, []);
  const sha512 = sha512Of(Buffer.from(text));
  sub.cut.set(sha512, 1_200_000);
  const { stdout } = await sub.runAgent();
  isInPlace(sub);
  assert.equal(first.asked.length, 1);
  const reads = sub.reads.filter((read) => read.sha512 === sha512).map(({ from }) => from);
  assert.deepEqual(reads, [1_000_000, 2_200_000]);
  assert.match(stdout, /fetching was interrupted, trying again/);
});

test("a batch that breaks in the middle of a content goes on there", async () => {
  await using sub = await startSubFixture();
  await sub.importSketch(sketch, []);
  const sha512 = sha512Of(Buffer.from(text));
  sub.cut.set(sha512, 2_000_000);
  await sub.runAgent();
  isInPlace(sub);
  const reads = sub.reads.filter((read) => read.sha512 === sha512).map(({ from }) => from);
  assert.deepEqual(reads, [0, 2_000_000]);
});

test("a server that refuses to send the rest, as one of an earlier version over TLS, sends all of it", async () => {
  await using sub = await startSubFixture();
  await sub.importSketch(sketch, []);
  const sha512 = sha512Of(Buffer.from(text));
  sub.cut.set(sha512, 2_000_000);
  sub.hide.add(sha512);
  await sub.runAgent();
  isInPlace(sub);
  const reads = sub.reads.filter((read) => read.sha512 === sha512).map(({ from }) => from);
  assert.deepEqual(reads, [0, 0]);
});
