import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sha512Of } from "../../src/dominator/storage/sha512.ts";
import { listening, packAt } from "./pack-server.ts";
import { type SubFixture, startSubFixture } from "./sub-fixture.ts";

const mebibyte = 1 << 20;
const large = randomBytes(6 * mebibyte).toString("hex");
const small = "small".repeat(300_000);
const sketch = { "usr/a-small": small, "usr/bin/large": large, "boot/efi/": "" };
const name = sha512Of(Buffer.from(large));

const objectsIn = ({ root }: SubFixture) => join(root, ".birther-agent/objects");
const pathOf = (sub: SubFixture, sha512: string) => join(objectsIn(sub), sha512.slice(0, 2), sha512.slice(2));
const isInPlace = ({ root }: SubFixture) => assert.equal(readFileSync(join(root, "usr/bin/large"), "utf8"), large);

/** Drafts below the directory of objects. */
function draftsOf(sub: SubFixture): readonly string[] {
  if (!existsSync(objectsIn(sub))) return [];
  const all = readdirSync(objectsIn(sub), { recursive: true, encoding: "utf8" });
  return all.filter((path) => path.includes(".new")).map((path) => join(objectsIn(sub), path));
}

/** A server of packs that stops in the middle of an answer while `mostBytes` is set, and keeps the connection open. */
async function packServer(sub: SubFixture) {
  const asked: { readonly from: number; readonly bytes: number; readonly drafts: readonly string[] }[] = [];
  const limit: { mostBytes?: number } = {};
  const server = createServer((request, response) => {
    const [from = 0, to = 0] = (request.headers.range ?? "").replace("bytes=", "").split("-").map(Number);
    const whole = packAt(sub, request).subarray(from, to + 1);
    asked.push({ from, bytes: whole.length, drafts: draftsOf(sub) });
    response.writeHead(206, { "content-range": `bytes ${from}-${to}/*`, "content-length": whole.length });
    if (limit.mostBytes === undefined || whole.length < large.length) response.end(whole);
    else response.write(whole.subarray(0, limit.mostBytes));
  });
  const at = await listening(server);
  sub.sources.push({ address: "127.0.0.1", port: at.port });
  return { asked, limit, [Symbol.asyncDispose]: at[Symbol.asyncDispose] };
}

/**
 * Kills an agent in the middle of the large content, once its draft has this size and the small one is there, which another thread
 * stores; returns the bytes of the draft.
 */
async function killInTheMiddle(sub: SubFixture, leastBytes: number): Promise<number> {
  // A draft may have got its name meanwhile.
  const bytesAt = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const sizeOf = () => Math.max(0, ...draftsOf(sub).map(bytesAt));
  await using agent = await sub.startSupervisor();
  const isBegun = () => sizeOf() >= leastBytes && existsSync(pathOf(sub, sha512Of(Buffer.from(small))));
  for (const endMs = Date.now() + 60_000; !isBegun(); await sleep(20))
    assert.ok(Date.now() < endMs, `waited 60 s for a draft of ${leastBytes} bytes:\n${agent.output()}`);
  await agent[Symbol.asyncDispose]();
  const [path = "", ...others] = draftsOf(sub);
  assert.deepEqual([path.startsWith(pathOf(sub, name)), others], [true, []]);
  return statSync(path).size;
}

/** A machine whose agent was killed after about eight of twelve MiB of a content, and a server that has all of it now. */
async function startKilled() {
  // What fails here must end them, too: their open ports would keep the process alive.
  await using stack = new AsyncDisposableStack();
  const sub = stack.use(await startSubFixture());
  const server = stack.use(await packServer(sub));
  await sub.importSketch(sketch, []);
  server.limit.mostBytes = 10 * mebibyte;
  const begunBytes = await killInTheMiddle(sub, 6 * mebibyte);
  delete server.limit.mostBytes;
  server.asked.splice(0);
  const all = stack.move();
  return { sub, asked: server.asked, begunBytes, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

test("a killed agent's next run fetches what is missing of a content, and what was whole not again", async () => {
  await using killed = await startKilled();
  const { sub, asked, begunBytes } = killed;
  assert.ok(existsSync(pathOf(sub, sha512Of(Buffer.from(small)))));
  await sub.runAgent();
  isInPlace(sub);
  assert.deepEqual(
    asked.map(({ bytes }) => bytes),
    [large.length - begunBytes],
  );
  assert.deepEqual(draftsOf(sub), []);
});

test("a draft that lies costs one more fetch of its content", async () => {
  await using killed = await startKilled();
  const { sub, asked, begunBytes } = killed;
  const [draft = ""] = draftsOf(sub);
  writeSync(openSync(draft, "r+"), "?", 5 * mebibyte);
  const { stdout } = await sub.runAgent();
  isInPlace(sub);
  assert.deepEqual(
    asked.map(({ bytes }) => bytes),
    [large.length - begunBytes, large.length],
  );
  assert.doesNotMatch(stdout, /a server of packs failed/);
});

test("a draft that lost its end is continued where it ends, and one that is whole gets its name", async () => {
  for (const size of [3 * mebibyte, large.length]) {
    await using killed = await startKilled();
    const { sub, asked } = killed;
    const [draft = ""] = draftsOf(sub);
    if (size < large.length) truncateSync(draft, size);
    else writeFileSync(draft, large);
    await sub.runAgent();
    isInPlace(sub);
    const bytes = asked.map((one) => one.bytes);
    assert.deepEqual(bytes, size < large.length ? [large.length - size] : []);
  }
});

test("drafts of contents that are not wanted are removed, and no more than four are kept", async () => {
  await using killed = await startKilled();
  const { sub, asked } = killed;
  const [own = ""] = draftsOf(sub);
  for (let number = 0; number < 6; number += 1) {
    const path = pathOf(sub, sha512Of(Buffer.from(`another content ${number}`)));
    mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new${number}`, "x".repeat((1 + number) * mebibyte));
  }
  const seen: number[] = [];
  sub.beforeDirective("fetch", () => void seen.push(draftsOf(sub).length));
  await sub.runAgent();
  isInPlace(sub);
  assert.deepEqual(seen, [4]);
  assert.deepEqual(asked[0]?.drafts, [own.replace(/\d+$/, "0")]);
});

test("a machine that runs its image keeps no drafts", async () => {
  await using killed = await startKilled();
  const { sub } = killed;
  await sub.runAgent();
  const path = pathOf(sub, sha512Of(Buffer.from("another content")));
  mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new0`, "x".repeat(2 * mebibyte));
  // Its next comparison is due at once.
  await sub.importSketch(sketch, []);
  await sub.runAgent();
  assert.deepEqual(draftsOf(sub), []);
});
