import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { copyMdb } from "../../src/mdb/copy-mdb.ts";
import { type OpenStore, openStore } from "../../src/mdb/open-store.ts";
import { asks, birthOf, stillClock, storedToken, testMac } from "../../src/mdb/testing/fleet.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-copy-"));
after(() => rmSync(directory, { recursive: true }));
let files = 0;
const newFile = () => join(directory, `${files++}.sqlite`);
const open = (path: string): Promise<OpenStore> => openStore({ path, clock: stillClock(), log: () => {} });
const onProgress = () => {};

test("a backup during writes is consistent: every record is that of its last change", async () => {
  await using store = await open(newFile());
  await Promise.all(Array.from({ length: 3000 }, (_, n) => store.apply(asks(n + 1))));
  let ended = false;
  const writing = (async () => {
    for (let n = 1; !ended; n = (n % 3000) + 1) await store.apply(asks(n));
  })();
  const backup = newFile();
  const before = store.position();
  await store.backup(backup);
  ended = true;
  await writing;
  await using copy = await open(backup);
  assert.ok(copy.position() >= before && copy.position() <= store.position());
  assert.equal(copy.list().length, 3000);
  const changes = copy.list().reduce((sum, { revision }) => sum + revision, 0);
  assert.equal(changes, copy.position());
});

test("a copy is complete: records, history, documents, audit and position; progress reaches the end", async () => {
  const [from, to] = [newFile(), newFile()];
  const id = machineIdFromMac(testMac(1));
  {
    await using store = await open(from);
    for (const event of [...birthOf(1), ...birthOf(2)]) await store.apply(event, { by: "ann" });
    await store.putDocument({ kind: "token", key: "t", document: storedToken("viewer"), by: "ann" });
    await store.dropDocument({ kind: "token", key: "t" });
    await store.putDocument({ kind: "token", key: "u", document: storedToken("admin") });
    await Promise.all(Array.from({ length: 1200 }, () => store.apply(asks(1))));
  }
  const steps: [number, number][] = [];
  assert.equal(await copyMdb({ from, to, replace: false, onProgress: (...step) => steps.push(step) }), 2);
  assert.equal(steps.at(-1)?.[0], steps.at(-1)?.[1]);
  await using one = await open(from);
  await using two = await open(to);
  assert.deepEqual(two.list(), one.list());
  assert.equal(two.position(), one.position());
  assert.deepEqual(await two.history(id, 1000), await one.history(id, 1000));
  assert.deepEqual(await two.audit({ limit: 100 }), await one.audit({ limit: 100 }));
  assert.deepEqual(two.documents("token"), one.documents("token"));
  await two.apply(asks(2));
  assert.equal(two.position(), one.position() + 1);
});

test("a fleet is replaced only on request, and is kept; one in use is never replaced", async () => {
  const [from, to] = [newFile(), newFile()];
  for (const [path, n] of [
    [from, 1],
    [to, 2],
  ] as const) {
    await using store = await open(path);
    await store.apply(asks(n));
  }
  await assert.rejects(copyMdb({ from, to, replace: false, onProgress }), /found a fleet in .*; use --yes/);
  {
    await using _running = await open(to);
    await assert.rejects(copyMdb({ from, to, replace: true, onProgress }), /another server has it open/);
    await assert.rejects(copyMdb({ from: to, to: newFile(), replace: true, onProgress }), /another server has it open/);
  }
  await copyMdb({ from, to, replace: true, onProgress });
  await using replaced = await open(to);
  assert.ok(replaced.byMac(testMac(1)));
  await using kept = await open(`${to}.before`);
  assert.ok(kept.byMac(testMac(2)));
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.includes("partial")),
    [],
  );
});

test("a file that is not a database is named and not changed, on either end", async () => {
  const [from, to] = [newFile(), newFile()];
  writeFileSync(from, "precious ".repeat(1000));
  await assert.rejects(
    copyMdb({ from, to, replace: true, onProgress }),
    /damaged or not a database, and was not changed/,
  );
  assert.equal(existsSync(to), false);
  await (await open(to))[Symbol.asyncDispose]();
  await assert.rejects(copyMdb({ from: to, to: from, replace: true, onProgress }), /damaged or not a database/);
  assert.equal(readFileSync(from, "utf8"), "precious ".repeat(1000));
  await assert.rejects(
    copyMdb({ from: newFile(), to, replace: true, onProgress }),
    /copy source: expected a database file, found nothing/,
  );
});
