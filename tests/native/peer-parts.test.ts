/** A content so large that several birther-peers at once send its parts, each with an upload limit, whatever becomes of some of them. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { runProgram } from "./native-program.ts";
import { newKey, sha512Of } from "./peer-server.ts";
import { startPeer, straight, type Way } from "./peer-way.ts";

const key = newKey();
const bytesPerSecond = 10_000_000;
/** Of fetch-in-parts.ts. */
const partBytes = 1 << 20;
/** The large one ends in the middle of a part. */
const contents = [40_000_001, 20_000, 3].map((size) => randomBytes(size));
const wanted = contents.map((content) => ({ sha512: sha512Of(content), size: content.length }));
const totalBytes = contents.reduce((sum, { length }) => sum + length, 0);

/** Fetches everything from peers behind these ways; by default into an empty store. */
async function fetchInParts(ways: readonly Way[]) {
  await using stack = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), "birther-parts-"));
  stack.defer(() => rm(root, { recursive: true }));
  const peers: Awaited<ReturnType<typeof startPeer>>[] = [];
  for (const way of ways) peers.push(stack.use(await startPeer(way, { key, bytesPerSecond, contents })));
  const endpoints = peers.map(({ endpoint }) => endpoint);
  const work = JSON.stringify({ endpoints, key, bytesPerSecond, wanted });
  const result = await runProgram(root, "peer-parts", [root, work]);
  const blamed = (result.blamed as string[]).map((endpoint) => endpoints.indexOf(endpoint));
  const sent = peers.map(({ sentBytes }) => sentBytes());
  return { ...result, blamed, sent, sum: sent.reduce((one, other) => one + other, 0) };
}

/** In its first part, which each sends; the others may send the rest before a slow one comes to a later part. */
const afterBytes = 600_000;
const dies: Way = { passes: (bytes, sent) => (sent > afterBytes ? "breaks" : bytes) };
const diesLater: Way = { passes: (bytes, sent) => (sent > 10 * afterBytes ? "breaks" : bytes) };
const stalls: Way = { passes: (bytes, sent) => (sent > afterBytes ? "nothing" : bytes) };
/** Heads and lines are right. */
const lies: Way = {
  passes: (bytes, sent) => {
    if (sent < afterBytes || bytes.length < 1000) return bytes;
    const wrong = Buffer.from(bytes);
    wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
    return wrong;
  },
};
const ofEarlierVersion: Way = {
  passes: (bytes) => bytes,
  asks: (bytes) => Buffer.from(bytes.toString("latin1").replace("birther-from", "birther-else"), "latin1"),
};

function assertThere(result: { readonly failed: string; readonly there: readonly string[] }): void {
  assert.equal(result.failed, "");
  assert.deepEqual([...result.there].sort(), wanted.map(({ sha512 }) => sha512).sort());
}

describe("a large content from several peers", () => {
  test("each sends a part, and each byte comes about once", async () => {
    const result = await fetchInParts([straight, straight, straight]);
    assertThere(result);
    assert.deepEqual(result.blamed, []);
    // Each is asked for a part before any has sent one; who gets less of a busy computer sends fewer of them.
    assert.ok(
      result.sent.every((bytes: number) => bytes > partBytes),
      `${result.sent}`,
    );
    assert.ok(result.sum < 1.1 * totalBytes, `${result.sent} of ${totalBytes}`);
    assert.equal(result.mostDoneBytes, totalBytes);
    // Parts that wait for earlier ones, and what the threads have: no part of the content's size.
    assert.ok(result.peakKiB < 96 << 10, `${result.peakKiB} KiB`);
  });

  for (const [name, way, fault] of [
    ["dies", dies, /ends early|reset|refused/],
    ["stalls", stalls, /no byte within 3 s/],
  ] as const)
    test(`what one owes that ${name}, the others send`, async () => {
      const result = await fetchInParts([straight, way, straight]);
      assertThere(result);
      assert.match(result.notes.join("\n"), fault);
      assert.ok(result.sum < 1.2 * totalBytes, `${result.sent} of ${totalBytes}`);
    });

  test("when one is left, it goes on where the others ended", async () => {
    const result = await fetchInParts([diesLater, straight, diesLater]);
    assertThere(result);
    assert.ok(result.sum < 1.3 * totalBytes, `${result.sent} of ${totalBytes}`);
  });

  for (const [name, ways, liar] of [
    ["the first", [lies, straight, straight], 0],
    ["another", [straight, straight, lies], 2],
  ] as const)
    test(`${name} lies: the content comes once more, from one, and the liar is known`, async () => {
      const result = await fetchInParts(ways);
      assertThere(result);
      assert.deepEqual(result.blamed, [liar]);
      assert.ok(result.sum < 3.1 * totalBytes, `${result.sent} of ${totalBytes}`);
    });

  test("all lie: nothing wrong is stored, and the fetch comes to its end", async () => {
    const result = await fetchInParts([lies, lies]);
    assert.match(result.failed, /the server was asked/);
    assert.ok(!result.there.includes(wanted[0]?.sha512), "a wrong content is stored");
    assert.deepEqual([...result.blamed].sort(), [0, 1]);
    assert.ok(result.sum < 4 * totalBytes, `${result.sent} of ${totalBytes}`);
  });

  test("peers of an earlier version, which send from the beginning only, send it one after the other", async () => {
    const result = await fetchInParts([ofEarlierVersion, ofEarlierVersion]);
    assertThere(result);
    assert.deepEqual(result.blamed, []);
  });
});
