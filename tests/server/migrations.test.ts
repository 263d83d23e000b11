import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { migrations, stepFor } from "../../src/mdb/journal/migrations.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { stillClock } from "../../src/mdb/testing/fleet.ts";
import { checkOldFleet, type OldSchema, oldRows } from "../../src/mdb/testing/old-schemas.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-migrations-"));
after(() => rmSync(directory, { recursive: true }));
const log = () => {};

test("every earlier schema has sample rows", () => {
  assert.deepEqual(Object.keys(oldRows).map(Number), [...migrations.keys()].slice(1));
});

for (const schema of Object.keys(oldRows).map(Number) as OldSchema[]) {
  test(`SQLite: a fleet of schema ${schema} survives the later migrations`, async () => {
    const path = join(directory, `${schema}.sqlite`);
    const database = new DatabaseSync(path);
    for (const step of migrations.slice(0, schema)) database.exec(stepFor(step, "sqlite"));
    for (const row of oldRows[schema]) database.exec(row);
    database.exec(`PRAGMA user_version = ${schema}`);
    database.close();
    {
      await using store = await openStore({ path, clock: stillClock(), log });
      await checkOldFleet(store, schema);
    }
    const again = new DatabaseSync(path);
    const keys = again.prepare("SELECT key FROM claims ORDER BY key").all();
    assert.deepEqual(
      keys.map(({ key }) => key),
      ["address 10.77.1.1", "mac 02:00:00:00:00:01", "mac 02:00:00:00:00:02", "name r01u1"],
    );
    again.close();
  });
}
