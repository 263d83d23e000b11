import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Journal } from "../../src/mdb/journal/journal.ts";
import { openStore, storeOn } from "../../src/mdb/open-store.ts";
import { openJournalThread } from "../../src/mdb/sqlite/thread.ts";
import { asks, birthOf, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";
import { fleetChangesSuite } from "../../src/mdb/testing/fleet-changes-suite.ts";
import { checkPruning } from "../../src/mdb/testing/store-keeps.ts";
import { storeSuite } from "../../src/mdb/testing/store-suite.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-mdb-"));
after(() => rmSync(directory, { recursive: true }));
let files = 0;
const newFile = () => join(directory, `${files++}.sqlite`);
const log = () => {};

storeSuite("SQLite file", () => {
  const path = newFile();
  return { keeps: true, open: (clock) => openStore({ path, clock, log }) };
});
fleetChangesSuite("SQLite file", () => {
  const path = newFile();
  return { open: (clock) => openStore({ path, clock, log }) };
});
storeSuite("SQLite in memory", () => ({ keeps: false, open: (clock) => openStore({ path: ":memory:", clock, log }) }));

test("only its owner, and only one server, can open the file", async () => {
  const path = newFile();
  await using _first = await openStore({ path, clock: stillClock(), log });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await assert.rejects(openStore({ path, clock: stillClock(), log }), /another server has it open/);
});

test("a damaged file is named and not changed", async () => {
  const path = newFile();
  writeFileSync(path, "not a database at all, but something that was precious to somebody".repeat(50));
  const before = readFileSync(path);
  await assert.rejects(openStore({ path, clock: stillClock(), log }), (error: Error) => {
    assert.match(error.message, /damaged or not a database, and was not changed/);
    assert.ok(error.message.includes(path));
    return true;
  });
  assert.deepEqual(readFileSync(path), before);
});

test("old changes are deleted, and the feed reports where it begins", async () => {
  const path = newFile();
  const { DatabaseSync } = await import("node:sqlite");
  const skipAhead = async (position: number) => {
    const database = new DatabaseSync(path);
    database.prepare("UPDATE feed SET position = ?").run(position);
    database.close();
  };
  await checkPruning(() => openStore({ path, clock: stillClock(), log }), skipAhead);
});

test("a file of a newer version is refused", async () => {
  const path = newFile();
  await (await openStore({ path, clock: stillClock(), log }))[Symbol.asyncDispose]();
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  database.exec("PRAGMA user_version = 99");
  database.close();
  await assert.rejects(openStore({ path, clock: stillClock(), log }), /newer version/);
});

test("when the disk fails, pending changes are refused, and memory matches the disk again", async () => {
  const inner = await openJournalThread(":memory:");
  let full = false;
  const journal: Journal = {
    ...inner,
    commit: (entries) => (full ? Promise.reject(new Error("disk full")) : inner.commit(entries)),
  };
  await using store = await storeOn({ journal, clock: stillClock(), log });
  await store.apply(asks(1));
  full = true;
  const results = await Promise.allSettled([store.apply(asks(1)), store.apply(asks(2))]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal(store.byMac(testMac(2)), undefined);
  assert.equal(store.byMac(testMac(1))?.pxe.requests, 1);
  full = false;
  await store.apply(asks(2));
  assert.equal(store.list().length, 2);
});

test("thousands of simultaneous machines need a few transactions", async () => {
  await using inner = await openJournalThread(newFile());
  let transactions = 0;
  const journal: Journal = {
    ...inner,
    commit: (entries) => {
      transactions += 1;
      return inner.commit(entries);
    },
  };
  await using store = await storeOn({ journal, clock: stillClock(), log });
  await Promise.all(Array.from({ length: 2000 }, (_, n) => store.apply(asks(n + 1))));
  assert.equal(store.list().length, 2000);
  assert.ok(transactions <= 20, `${transactions} transactions`);
  await Promise.all(birthOf(1).map((event) => store.apply(event)));
  assert.equal(store.byMac(testMac(1))?.state, "healthy");
});
