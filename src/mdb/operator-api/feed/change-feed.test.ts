import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { readerOf as reader } from "../../testing/feed-reader.ts";
import { asks, birthOf, stillClock } from "../../testing/fleet.ts";
import { openMemoryStore } from "../../testing/memory-store.ts";
import { changeFeed, watchersInTotal, watchersPerCaller } from "./change-feed.ts";

const openMemory = () => openMemoryStore({ clock: stillClock(), log: () => {} });
const always = { caller: "test", mayGoOn: () => true };

describe("the change feed", () => {
  test("the first event says where the feed begins; then each change follows once, in order, with its position as id", async () => {
    await using store = await openMemory();
    for (const event of birthOf(1)) await store.apply(event);
    const feed = reader(changeFeed(store).open({ since: undefined, ...always }));
    const [first] = await feed.take(1);
    assert.deepEqual([first?.event, first?.id, first?.data], ["position", "4", { position: 4 }]);
    await store.putDocument({ kind: "webhook", key: "a", document: { position: 1 } });
    await Promise.all([2, 3].map((n) => store.apply(asks(n))));
    const heard = await feed.take(2);
    assert.deepEqual(
      heard.map(({ event, id, data }) => [event, id, data.position, data.event.kind, data.machine.id]),
      [
        ["change", "6", 6, "pxeAsked", "m-020000000002"],
        ["change", "7", 7, "pxeAsked", "m-020000000003"],
      ],
    );
    assert.ok(!JSON.stringify(heard).includes("Hash"));
  });

  test("a watcher that reconnects receives what it missed, from memory or from the database", async () => {
    await using store = await openMemory();
    const feed = changeFeed(store);
    for (const event of birthOf(1)) await store.apply(event);
    const early = reader(feed.open({ since: 0, ...always }));
    for (const event of birthOf(2)) await store.apply(event);
    const late = reader(feed.open({ since: 6, ...always }));
    assert.deepEqual(
      (await early.take(9)).map(({ id }) => id),
      ["0", "1", "2", "3", "4", "5", "6", "7", "8"],
    );
    assert.deepEqual(
      (await late.take(3)).map(({ id }) => id),
      ["6", "7", "8"],
    );
    await store.apply(asks(3));
    assert.deepEqual([(await early.next())?.id, (await late.next())?.id], ["9", "9"]);
  });

  test("an unknown position is answered by a reset that says where the feed continues", async () => {
    await using store = await openMemory();
    for (const event of birthOf(1)) await store.apply(event);
    const feed = reader(changeFeed(store).open({ since: 1_000_000, ...always }));
    const [, reset] = await feed.take(2);
    assert.deepEqual([reset?.event, reset?.id, reset?.data.position], ["reset", "4", 4]);
    await store.apply(asks(2));
    assert.equal((await feed.next())?.id, "5");
  });

  test("changes that the store did not notify are read from the database, once for all waiting watchers", async () => {
    await using store = await openMemory();
    let silent = false;
    let pages = 0;
    const feed = changeFeed({
      position: store.position,
      changesSince: (position, limit) => {
        pages += 1;
        return store.changesSince(position, limit);
      },
      watch: (listener) =>
        store.watch((change) => {
          if (!silent) listener(change);
        }),
    });
    const watchers = Array.from({ length: 5 }, () => reader(feed.open({ since: undefined, ...always })));
    await Promise.all(watchers.map(({ take }) => take(1)));
    const heard = watchers.map(({ take }) => take(3));
    silent = true;
    await store.apply(asks(1));
    await store.apply(asks(2));
    silent = false;
    await store.apply(asks(3));
    for (const events of await Promise.all(heard))
      assert.deepEqual(
        events.map(({ id }) => id),
        ["1", "2", "3"],
      );
    assert.equal(pages, 1);
  });

  test("a watcher that does not read costs nothing and misses nothing; others are not delayed", async () => {
    await using store = await openMemory();
    const feed = changeFeed(store);
    const [slow, quick] = [
      reader(feed.open({ since: undefined, ...always })),
      reader(feed.open({ since: 0, ...always })),
    ];
    // More than is kept in memory for watchers.
    const many = 6000;
    for (let n = 0; n < many; n += 500) await Promise.all(Array.from({ length: 500 }, () => store.apply(asks(1))));
    for (const { take } of [quick, slow]) {
      const ids = (await take(many + 1)).map(({ id }) => Number(id));
      assert.deepEqual(
        ids,
        Array.from({ length: many + 1 }, (_, n) => n),
      );
    }
    await slow.cancel();
    await store.apply(asks(1));
    assert.equal((await quick.next())?.id, String(many + 1));
  });

  test("a change is serialised once for all watchers", async () => {
    await using store = await openMemory();
    const feed = changeFeed(store);
    const watchers = Array.from({ length: 3 }, () => reader(feed.open({ since: undefined, ...always })));
    await Promise.all(watchers.map(({ take }) => take(1)));
    const heard = watchers.map(({ take }) => take(2));
    await Promise.all([1, 2].map((n) => store.apply(asks(n))));
    await Promise.all(heard);
    const chunks = watchers.map(({ raw }) => raw.slice(1));
    assert.ok(
      chunks.every((own) => own.length === 1 && own[0] === chunks[0]?.[0]),
      "the same bytes, at once",
    );
  });

  test("the feed of a watcher that lost its permission ends at the next heartbeat", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    try {
      await using store = await openMemory();
      let allowed = true;
      const feed = reader(changeFeed(store).open({ since: undefined, caller: "test", mayGoOn: () => allowed }));
      await feed.take(1);
      const next = feed.next();
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      // It waits for changes from the next turn of the event loop on.
      await turn();
      mock.timers.tick(15_000);
      await turn();
      allowed = false;
      mock.timers.tick(15_000);
      assert.equal(await next, undefined);
      assert.equal(Buffer.from(feed.raw.at(-1) ?? []).toString(), ":\n\n");
    } finally {
      mock.timers.reset();
    }
  });

  test("one caller cannot take the connections of others: it has a limited number of watchers", async () => {
    await using store = await openMemory();
    const feed = changeFeed(store);
    const greedy = { ...always, since: undefined, caller: "greedy" };
    const watchers = Array.from({ length: watchersPerCaller }, () => reader(feed.open(greedy)));
    for (const { take } of watchers) await take(1);
    // A watcher counts from when it reads on.
    const waiting = watchers.map(({ next }) => next());
    await new Promise(setImmediate);
    assert.equal(feed.open(greedy), undefined);
    assert.notEqual(feed.open({ ...greedy, caller: "another" }), undefined);
    assert.notEqual(feed.open({ ...greedy, caller: undefined }), undefined, "a user of the Unix socket has no limit");
    await watchers[0]?.cancel();
    assert.notEqual(feed.open(greedy), undefined, "the place of one that left is free");
    await Promise.all(watchers.slice(1).map(({ cancel }) => cancel()));
    await Promise.all(waiting);
  });

  test("all callers with a token together have a limited number of watchers, whatever the number of tokens", async () => {
    await using store = await openMemory();
    const feed = changeFeed(store);
    const open = (caller: string | undefined) => feed.open({ ...always, since: undefined, caller });
    const watchers = Array.from({ length: watchersInTotal }, (_, n) => reader(open(`token ${n % 40}`)));
    for (const { take } of watchers) await take(1);
    const waiting = watchers.map(({ next }) => next());
    await new Promise(setImmediate);
    assert.equal(open("another"), undefined);
    assert.notEqual(open(undefined), undefined, "a user of the Unix socket has no limit");
    await watchers[0]?.cancel();
    assert.notEqual(open("another"), undefined, "the place of one that left is free");
    await Promise.all(watchers.slice(1).map(({ cancel }) => cancel()));
    await Promise.all(waiting);
  });
});
