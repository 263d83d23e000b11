import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import * as v from "valibot";
import { parse } from "yaml";
import { checkConfig } from "../../src/contract/config/parse.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { migrations, stepFor } from "../../src/mdb/journal/migrations.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";
import { checkOldFleet, type OldSchema, oldRows } from "../../src/mdb/testing/old-schemas.ts";
import { type MessageName, messages, type Recorded, withUnknownKeys } from "./messages.ts";

const releases = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const directory = mkdtempSync(join(tmpdir(), "birther-compat-"));
after(() => rmSync(directory, { recursive: true }));

/** Objects whose keys are names of the site's own: of groups, tags, figures, methods. */
const isMap = (key: string) => ["position", "step", "tags", "figures", "scores"].includes(key);

for (const { name: release } of releases) {
  const file = (name: string) => join(import.meta.dirname, release, name);
  const recorded = readFileSync(file("messages.jsonl"), "utf8").trimEnd().split("\n");
  for (const [index, line] of recorded.entries()) {
    const { message, value }: Recorded = JSON.parse(line);
    test(`${release}, line ${index + 1}: ${message} is read, also with keys that a newer version added`, () => {
      const read = v.parse(messages[message], value);
      assert.deepEqual(v.parse(messages[message], withUnknownKeys(value, isMap)), read);
    });
  }
  if (existsSync(file("birther.yaml")))
    test(`${release}: the configuration is read, and a key that is none is still refused`, () => {
      const document = parse(readFileSync(file("birther.yaml"), "utf8"));
      const result = checkConfig(document);
      assert.deepEqual(result.kind === "config" ? [] : result.faults, []);
      assert.equal(checkConfig({ ...document, unknownKey: 1 }).kind, "refused");
    });
  if (existsSync(file("database.sql")))
    for (const more of ["", ", with keys that a newer version added"])
      test(`${release}: the database is read whole${more}`, async () => {
        const path = join(directory, `${release}${more.length}.sqlite`);
        const database = new DatabaseSync(path);
        const sql = readFileSync(file("database.sql"), "utf8");
        database.exec(sql);
        if (more !== "") addKeys(database);
        database.close();
        await checkDatabase(path, sql.match(/^INSERT INTO machines /gm)?.length ?? 0, more !== "");
      });
}

for (const schema of Object.keys(oldRows).map(Number) as OldSchema[])
  test(`schema ${schema}: the database is migrated and read whole, also with keys that a newer version added`, async () => {
    for (const more of [false, true]) {
      const path = join(directory, `schema${schema}${more}.sqlite`);
      const database = new DatabaseSync(path);
      for (const step of migrations.slice(0, schema)) database.exec(stepFor(step, "sqlite"));
      for (const row of oldRows[schema]) database.exec(row);
      database.exec(`PRAGMA user_version = ${schema}`);
      if (more) rewrite(database, "machines", "document");
      database.close();
      await using store = await openStore({
        path,
        clock: stillClock(),
        log: (_level, message) => assert.fail(message),
      });
      assert.deepEqual([store.list().length, store.unreadable(), store.unreadableDocuments()], [2, [], []]);
      if (!more) await checkOldFleet(store, schema);
    }
  });

const allRecorded = releases.flatMap(({ name }) =>
  readFileSync(join(import.meta.dirname, name, "messages.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line): Recorded => JSON.parse(line)),
);

test("settings were recorded with the boot partition at /boot, and with it elsewhere", () => {
  const settings = allRecorded.flatMap(({ message, value }) =>
    message === "subSettings" ? [v.parse(messages.subSettings, value)] : [],
  );
  const roots = settings.map(({ root, boot }) => `${root.kind} ${boot.mountPoint ?? "/boot"}`);
  assert.deepEqual([...new Set(roots)].sort(), ["luks2 /boot", "luks2 /var/lib/birther/boot", "plain /boot"]);
});

test("each message that a machine or a server sends was recorded of some release", () => {
  const found = new Set(allRecorded.map(({ message }) => message));
  assert.deepEqual(
    Object.keys(messages).filter((message) => message !== "problem" && !found.has(message as MessageName)),
    [],
  );
});

async function checkDatabase(path: string, machines: number, hasMore: boolean): Promise<void> {
  const lines: string[] = [];
  const log = (level: string, message: string) => void (level === "error" && lines.push(message));
  const id = machineIdFromMac(testMac(6));
  {
    await using store = await openStore({ path, clock: stillClock(), log });
    assert.deepEqual([store.unreadable(), store.unreadableDocuments(), lines], [[], [], []]);
    assert.equal(store.list().length, machines);
    const history = await store.changesSince(0, 1000);
    assert.ok(history.kind === "changes" && history.changes.length > 0);
    assert.deepEqual(
      history.changes.filter(({ event }) => event.kind === "unreadable"),
      [],
    );
    assert.equal((await store.apply(asks(6))).kind, "changed");
  }
  const database = new DatabaseSync(path);
  const written = String(database.prepare("SELECT document FROM machines WHERE id = ?").get(id)?.document);
  database.close();
  assert.equal(/"unknownKey"/.test(written), hasMore, "a write keeps what a newer version added");
}

function addKeys(database: DatabaseSync): void {
  rewrite(database, "machines", "document");
  rewrite(database, "documents", "document");
  rewrite(database, "changes", "event");
  rewrite(database, "changes", "outcome");
}

function rewrite(database: DatabaseSync, table: string, column: string): void {
  for (const { row, text } of database.prepare(`SELECT rowid AS row, ${column} AS text FROM ${table}`).all()) {
    if (typeof text !== "string" || row === undefined) continue;
    const more = JSON.stringify(withUnknownKeys(JSON.parse(text), isMap));
    database.prepare(`UPDATE ${table} SET ${column} = ? WHERE rowid = ?`).run(more, row);
  }
}
