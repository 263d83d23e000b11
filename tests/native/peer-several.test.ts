/** Several birther-peers at once, each with an upload limit: one gets a part from each, whatever becomes of the others. */
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
const bytesPerSecond = 4_000_000;
/** The first runs of fetch-from-several.ts have more: the largest content, and twice two large ones. */
const leastRunBytes = 700_000;
const contents = [3_000_000, ...Array.from({ length: 40 }, (_, i) => 100_000 + 7000 * i), 1].map((size) =>
  randomBytes(size),
);
const wanted = contents.map((content) => ({ sha512: sha512Of(content), size: content.length }));
const totalBytes = contents.reduce((sum, { length }) => sum + length, 0);

async function fetchAtOnce(ways: readonly Way[]) {
  await using stack = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), "birther-several-"));
  stack.defer(() => rm(root, { recursive: true }));
  const peers: Awaited<ReturnType<typeof startPeer>>[] = [];
  for (const way of ways) peers.push(stack.use(await startPeer(way, { key, bytesPerSecond, contents })));
  const endpoints = peers.map(({ endpoint }) => endpoint);
  const work = JSON.stringify({ endpoints, key, bytesPerSecond, wanted });
  const result = await runProgram(root, "peer-several", [root, work]);
  return { ...result, sent: peers.map(({ sentBytes }) => sentBytes()) };
}

describe("several peers at once", () => {
  test("each sends a part, and each content comes once", async () => {
    const { stored, there, faults, sent } = await fetchAtOnce([straight, straight, straight]);
    assert.deepEqual([stored, there, faults], [contents.length, contents.length, []]);
    // Each is asked for a run of contents before any has sent one; who gets less of a busy computer sends fewer of them.
    assert.ok(
      sent.every((bytes: number) => bytes > leastRunBytes),
      `${sent}`,
    );
    // Each content has a line, and each answer a head.
    const sum = sent.reduce((one: number, other: number) => one + other, 0);
    assert.ok(sum > totalBytes && sum < totalBytes + 20_000, `${sent} of ${totalBytes}`);
  });

  const faults: readonly (readonly [name: string, way: Way, fault: RegExp])[] = [
    ["dies", { passes: (bytes, sent) => (sent > 600_000 ? "breaks" : bytes) }, /ends early|reset|refused/],
    ["stalls", { passes: (bytes, sent) => (sent > 600_000 ? "nothing" : bytes) }, /no byte within 3 s/],
    [
      "lies",
      { passes: (bytes, sent) => (sent > 600_000 ? Buffer.from(bytes.map((byte) => byte ^ 1)) : bytes) },
      /expected/,
    ],
  ];
  for (const [name, way, fault] of faults)
    test(`what one owes that ${name}, the others send`, async () => {
      const { stored, there, faults: found } = await fetchAtOnce([straight, way, straight]);
      assert.deepEqual([stored, there], [contents.length, contents.length]);
      assert.match(found.join("\n"), fault);
    });
});
