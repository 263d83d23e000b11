import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openStore } from "../../src/mdb/open-store.ts";
import { restoreMdb } from "../../src/mdb/restore-mdb.ts";
import { asks, birthOf, stillClock } from "../../src/mdb/testing/fleet.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-restore-"));
after(() => rmSync(directory, { recursive: true }));
const onProgress = () => {};
const to = join(directory, "restored.sqlite");

test("restore: the fleet of a backup, which is not changed, and how many of its machines will be installed", async () => {
  const from = join(directory, "backup.sqlite");
  {
    await using store = await openStore({
      path: join(directory, "running.sqlite"),
      clock: stillClock(),
      log: onProgress,
    });
    for (const event of birthOf(1)) await store.apply(event);
    await store.apply(asks(2));
    await store.backup(from);
  }
  const before = readFileSync(from);
  assert.deepEqual(await restoreMdb({ from, to, replace: false, onProgress }), { machines: 2, toBeInstalled: 1 });
  assert.ok(readFileSync(from).equals(before));
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.startsWith("restore-")),
    [],
  );
});

test("restore: the audit of the restored fleet says so, from what and how old that was; the fleet goes on after it", async () => {
  const from = join(directory, "backup.sqlite");
  const target = join(directory, "audited.sqlite");
  const request = { id: "r-1", from: "local", reason: "disk died" };
  const act = { action: "restore MDB", by: "uid:olga", atMs: 2_000_000, facts: { from }, request };
  await restoreMdb({ from, to: target, replace: false, onProgress, act });
  await using store = await openStore({ path: target, clock: stillClock(), log: onProgress });
  const [entry] = await store.audit({ limit: 10 });
  const position = store.position();
  assert.deepEqual(entry, {
    ...{ position, atMs: 2_000_000, by: "uid:olga", action: "restore MDB", subject: "MDB", request },
    after: { from, position: position - 1, newestChangeAtMs: 1_000_000 },
  });
  assert.equal((await store.apply(asks(3))).kind, "changed");
  assert.equal(store.position(), position + 1);
});

test("restore: a missing file and a database in use are refused", async () => {
  const from = join(directory, "used.sqlite");
  await assert.rejects(
    restoreMdb({ from, to, replace: true, onProgress }),
    /expected a file, found nothing at .*used\.sqlite/,
  );
  writeFileSync(from, "");
  writeFileSync(`${from}-wal`, "");
  await assert.rejects(
    restoreMdb({ from, to, replace: true, onProgress }),
    /expected a backup, found a database in use at .*used\.sqlite/,
  );
});
