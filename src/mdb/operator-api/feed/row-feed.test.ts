import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { constants, gunzipSync } from "node:zlib";
import { readerOf } from "../../testing/feed-reader.ts";
import { asks, birthOf, stillClock } from "../../testing/fleet.ts";
import { openMemoryStore } from "../../testing/memory-store.ts";
import { openImports } from "../imports.ts";
import { collectMs, rowFeed } from "./row-feed.ts";

const always = { caller: undefined, mayGoOn: () => true };

/** A store, its feed of rows, and the function that ends a tenth of a second. */
async function open() {
  const store = await openMemoryStore({ clock: stillClock(), log: () => {} });
  const waiting: (() => void)[] = [];
  const ending = new AbortController();
  const imports = openImports(stillClock());
  const feed = rowFeed(store, {
    othersUpdate: false,
    ending: ending.signal,
    imports,
    soon: (act) => void waiting.push(act),
  });
  const tick = () => {
    for (const act of waiting.splice(0)) act();
    return waiting.length;
  };
  const from = (since: number | undefined) => readerOf(feed.open({ since, ...always }));
  return {
    store,
    feed,
    from,
    tick,
    waiting,
    ending,
    imports,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

describe("the feed of rows", () => {
  test("many changes of a machine are one row, as the machine is then; another tick, another row", async () => {
    await using opened = await open();
    const { store, from, tick, waiting } = opened;
    const feed = from(undefined);
    assert.equal((await feed.next())?.event, "position");
    const first = feed.next();
    for (const event of birthOf(1)) await store.apply(event);
    await store.apply(asks(2));
    assert.equal(waiting.length, 1, "collected once");
    tick();
    const rows = await first;
    assert.deepEqual(
      [rows?.event, rows?.id, rows?.data.rows.map((row: { id: string; status: string }) => [row.id, row.status])],
      [
        "rows",
        "5",
        [
          ["m-020000000001", "arriving"],
          ["m-020000000002", "arriving"],
        ],
      ],
    );
    const second = feed.next();
    await store.apply({
      kind: "conditionSet",
      id: store.list()[0]?.id ?? assert.fail(),
      condition: "hold",
      reason: "x",
    });
    tick();
    assert.deepEqual([(await second)?.data.rows.length, (await second)?.data.position], [1, 6]);
    await feed.cancel();
  });

  test("a watcher that comes back gets the rows since then; one that is too late is noted to read the fleet again", async () => {
    await using opened = await open();
    const { store, from, tick } = opened;
    await store.apply(asks(1));
    const stays = from(undefined);
    await stays.next();
    const heard = stays.next();
    await store.apply(asks(2));
    tick();
    await heard;
    const back = from(1);
    const [, rows] = await back.take(2);
    assert.deepEqual([rows?.event, rows?.data.rows[0].id], ["rows", "m-020000000002"]);
    const [, late] = await from(0).take(2);
    assert.deepEqual([late?.event, late?.data.position], ["reset", 2]);
  });

  test("progress is on the feed without a change of the record, and gets lost nowhere between changes", async () => {
    await using opened = await open();
    const { store, from, tick } = opened;
    for (const event of birthOf(1)) await store.apply(event);
    const { id } = store.list()[0] ?? assert.fail();
    const feed = from(undefined);
    await feed.next();
    for (const done of [1, 2, 3]) {
      const next = feed.next();
      store.noteProgress(id, { what: "fetch", done, total: 3 });
      tick();
      const rows = await next;
      assert.deepEqual([rows?.id, rows?.data.position], ["4", 4], "the position is that of the last change");
      assert.deepEqual(rows?.data.rows[0].progress, { what: "fetch", done, total: 3 });
    }
    const changed = feed.next();
    await store.apply(asks(2));
    tick();
    const rows = await changed;
    assert.deepEqual([rows?.id, rows?.data.rows[0].id], ["5", "m-020000000002"]);
    const again = from(4);
    const [, since] = await again.take(2);
    assert.equal(since?.data.rows[0].progress.done, 1, "one that comes back reads all of it again");
  });

  test("imports are on the feed when they get on and when they end, and in no other rows", async () => {
    await using opened = await open();
    const { store, from, tick, imports } = opened;
    const feed = from(undefined);
    await feed.next();
    const noted = { stream: "compute", paths: 1, doneBytes: 5, totalBytes: 9 };
    const first = feed.next();
    imports.note(noted);
    imports.note({ ...noted, doneBytes: 6 });
    tick();
    const times = { startedAtMs: 1_000_000, atMs: 1_000_000 };
    assert.deepEqual((await first)?.data, {
      ...{ position: 0, rows: [], gone: [] },
      imports: [{ ...noted, doneBytes: 6, ...times }],
    });
    const second = feed.next();
    await store.apply(asks(1));
    tick();
    assert.equal((await second)?.data.imports, undefined);
    const third = feed.next();
    imports.end("compute");
    tick();
    assert.deepEqual((await third)?.data.imports, []);
    await feed.cancel();
  });

  test("nothing is collected while nobody watches", async () => {
    await using opened = await open();
    const { store, from, waiting } = opened;
    for (const event of birthOf(1)) await store.apply(event);
    assert.equal(waiting.length, 0);
    assert.deepEqual((await from(undefined).next())?.data, { position: 4 });
  });

  test("packed watchers share compressed rows; whenever one begins, its bytes are one gzip stream of the same events", async () => {
    await using opened = await open();
    const { store, tick } = opened;
    const streamOf = (since: number | undefined) => opened.feed.open({ since, ...always, isPacked: true })?.getReader();
    const readNext = async (reader: ReturnType<typeof streamOf>) => (await reader?.read())?.value ?? assert.fail();
    const early = [streamOf(undefined), streamOf(undefined)];
    const parts = await Promise.all(early.map(readNext));
    let received = Buffer.from(parts[0] ?? []);
    for (const n of [1, 2]) {
      const next = early.map(readNext);
      await store.apply(asks(n));
      tick();
      const [one, other] = await Promise.all(next);
      assert.ok(one === other, "the same bytes");
      received = Buffer.concat([received, one ?? assert.fail()]);
    }
    // Until the server ends, nothing but the end of the stream is missing.
    const textOf = (bytes: Buffer) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
    const ids = (text: string) => [...text.matchAll(/"id":"(m-[0-9a-f]+)"/g)].map(([, id]) => id);
    assert.match(textOf(received), /^retry: \d+\nid: 0\nevent: position\n/);
    assert.deepEqual(ids(textOf(received)), ["m-020000000001", "m-020000000002"]);
    const late = streamOf(0);
    const whole = Buffer.concat([await readNext(late), await readNext(late)]);
    assert.deepEqual(ids(textOf(whole)), ["m-020000000001", "m-020000000002"]);
    opened.ending.abort();
    const rests = await Promise.all([...early, late].map(async (reader) => await readNext(reader)));
    assert.deepEqual(await Promise.all([...early, late].map(async (reader) => (await reader?.read())?.done)), [
      ...[true, true, true],
    ]);
    // Unpacked with its end, checksum and length.
    for (const [start, at] of [
      [received, 0],
      [received, 1],
      [whole, 2],
    ] as const)
      assert.equal(gunzipSync(Buffer.concat([start, rests[at] ?? assert.fail()])).toString(), textOf(start));
  });

  test("the server's end ends plain watchers, too: those that wait, and those that read later", async () => {
    await using opened = await open();
    const [waits, reads] = [opened.from(undefined), opened.from(undefined)];
    await waits.next();
    const next = waits.next();
    opened.ending.abort();
    assert.equal(await next, undefined);
    assert.equal((await reads.next())?.event, "position");
    assert.equal(await reads.next(), undefined);
  });

  test("many watchers get their rows less often: at most 200 chunks a second in all, and at least one a second each", () => {
    assert.deepEqual([1, 20, 50, 200, 2048].map(collectMs), [100, 160, 400, 1000, 1000]);
  });
});
