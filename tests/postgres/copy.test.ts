import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { copyMdb } from "../../src/mdb/copy-mdb.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, birthOf, stillClock, storedToken, testMac } from "../../src/mdb/testing/fleet.ts";
import { startPostgres } from "./postgres-server.ts";

const server = await startPostgres();
const directory = mkdtempSync(join(tmpdir(), "birther-copy-"));
after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});
const open = (path: string) => openStore({ path, clock: stillClock(), log: () => {} });
const onProgress = () => {};

test("a fleet moves from SQLite to PostgreSQL and back unchanged; a backup is made while it is used", async () => {
  const [first, last, backup] = ["first", "last", "backup"].map((name) => join(directory, `${name}.sqlite`));
  assert.ok(first && last && backup);
  const place = await server.createDatabase();
  {
    await using store = await open(first);
    for (const event of [...birthOf(1), ...birthOf(2)]) await store.apply(event, { by: "ann" });
    await store.putDocument({ kind: "token", key: "t", document: storedToken("viewer"), by: "ann" });
    await Promise.all(Array.from({ length: 1500 }, (_, n) => store.apply(asks(n + 1))));
  }
  assert.equal(await copyMdb({ from: first, to: place, replace: false, onProgress }), 1500);
  await assert.rejects(
    copyMdb({ from: first, to: place, replace: false, onProgress }),
    /expected an empty database, found a fleet/,
  );
  {
    await using moved = await open(place);
    await assert.rejects(
      copyMdb({ from: first, to: place, replace: true, onProgress }),
      /found .* in use; stop all its servers first/,
    );
    let ended = false;
    const writing = (async () => {
      while (!ended) await moved.apply(asks(3));
    })();
    await moved.backup(backup);
    ended = true;
    await writing;
    await using copy = await open(backup);
    const changes = copy.list().reduce((sum, { revision }) => sum + revision, 0);
    assert.equal(changes + 1, copy.position(), "each change, and the document");
  }
  const request = { id: "c-1", from: "local", reason: "a second server" };
  const act = { action: "copy MDB", by: "uid:ann", atMs: 5, facts: { from: first }, request };
  await copyMdb({ from: first, to: place, replace: true, onProgress, act });
  {
    await using moved = await open(place);
    const [entry] = await moved.audit({ limit: 1 });
    const position = moved.position();
    assert.deepEqual([entry?.position, entry?.action, entry?.request], [position, "copy MDB", request]);
    assert.equal((await moved.apply(asks(1), { by: "ann" })).kind, "changed");
    assert.equal(moved.position(), position + 1);
  }
  await copyMdb({ from: first, to: place, replace: true, onProgress });
  await copyMdb({ from: place, to: last, replace: false, onProgress });
  await using one = await open(first);
  await using two = await open(last);
  assert.deepEqual(two.list(), one.list());
  assert.equal(two.position(), one.position());
  const id = machineIdFromMac(testMac(1));
  assert.deepEqual(await two.history(id, 1000), await one.history(id, 1000));
  assert.deepEqual(await two.audit({ limit: 100 }), await one.audit({ limit: 100 }));
  assert.deepEqual(two.documents("token"), one.documents("token"));
});
