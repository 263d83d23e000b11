import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import pg from "pg";
import { imageStreamOf } from "../../src/core/image/stream/image-stream.ts";
import { decidePromotion, type PromotionRequest } from "../../src/core/image/stream/promotion.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import type { Change, Clock, Store } from "../../src/core/ports.ts";
import { changeStream } from "../../src/mdb/image-streams/change-stream.ts";
import { settleStreams } from "../../src/mdb/image-streams/first-current.ts";
import { migrations } from "../../src/mdb/journal/migrations.ts";
import { storeOn } from "../../src/mdb/open-store.ts";
import { openPostgresJournal } from "../../src/mdb/postgres/journal.ts";
import { migratePostgres } from "../../src/mdb/postgres/migrate.ts";
import { asks, birthOf, stillClock, storedToken, testMac, until } from "../../src/mdb/testing/fleet.ts";
import { fleetChangesSuite } from "../../src/mdb/testing/fleet-changes-suite.ts";
import { checkOldFleet, type OldSchema, oldRows } from "../../src/mdb/testing/old-schemas.ts";
import { checkPruning } from "../../src/mdb/testing/store-keeps.ts";
import { storeSuite } from "../../src/mdb/testing/store-suite.ts";
import { startPostgres } from "./postgres-server.ts";

const log = () => {};
const server = await startPostgres();
after(() => server[Symbol.asyncDispose]());

/** Time stands still for decisions only; pauses and polls are real. */
const realPauses = (): Clock => ({ ...stillClock(), monotonicMs: () => performance.now() });
const open = async (place: string, clock: Clock = realPauses()) =>
  storeOn({ journal: await openPostgresJournal({ url: place, clock, log, pollMs: 100, retryMs: 5000 }), clock, log });
const firstId = machineIdFromMac(testMac(1));

storeSuite("PostgreSQL", () => {
  const place = server.createDatabase();
  return { keeps: true, open: async (clock) => open(await place, clock) };
});

fleetChangesSuite("PostgreSQL", () => {
  const place = server.createDatabase();
  return { open: async (clock) => open(await place, clock) };
});

describe("several stores on one PostgreSQL", () => {
  test("changes of one store reach the others, in the same order and with the same positions", async () => {
    const place = await server.createDatabase();
    await using one = await open(place);
    await using two = await open(place);
    const heard: [Change[], Change[]] = [[], []];
    one.watch((change) => heard[0].push(change));
    two.watch((change) => heard[1].push(change));
    for (const event of birthOf(1)) await one.apply(event);
    for (const event of birthOf(2)) await two.apply(event);
    await one.putDocument({ kind: "token", key: "t", document: storedToken("viewer") });
    await one.apply(asks(1));
    await until("both heard all", () => heard.every((changes) => changes.length === 9));
    const [first, second] = heard.map((changes) =>
      changes.map(({ position, event, machine }) => [
        position,
        event.kind,
        machine.id,
        machine.revision,
        machine.state,
      ]),
    );
    assert.deepEqual(first, second);
    assert.deepEqual(one.list(), two.list());
    await until("the document is there", () => two.documents("token").length === 1);
    await two.dropDocument({ kind: "token", key: "t" });
    await until("the document is gone", () => one.documents("token").length === 0);
    await until("both are at one position", () => one.position() === two.position());
  });

  test("promotions on two stores at once: one begins, both stores know it, and a newborn of the other store gets its version", async () => {
    const place = await server.createDatabase();
    await using one = await open(place);
    await using two = await open(place);
    const clock = realPauses();
    for (const event of birthOf(1)) await one.apply(event);
    await Promise.all([one, two].map((store) => settleStreams({ store, clock, log }, ["compute/1"])));
    await one.apply({ kind: "subSeen", id: firstId, fromDisk: true, runningImage: "compute/1" });
    await until("both are at one position", () => one.position() === two.position());
    const promote = (store: Store, asked: PromotionRequest) =>
      changeStream({ store, clock }, { stream: "compute", by: "ann" }, (context) => decidePromotion(asked, context));
    const both = await Promise.all([promote(one, { version: 2 }), promote(two, { version: 3 })]);
    assert.deepEqual(both.map(({ kind }) => kind).sort(), ["done", "refused"]);
    await until("both are at one position", () => one.position() === two.position());
    assert.deepEqual(imageStreamOf(one, "compute"), imageStreamOf(two, "compute"));
    const version = imageStreamOf(one, "compute")?.promotion?.version ?? assert.fail();
    assert.equal(one.find("r01u1")?.requiredImage, `compute/${version}`);
    const moved = await promote(one, { version, all: true, skipCanary: true });
    assert.equal(moved.kind, "done");
    for (const event of birthOf(2)) await two.apply(event);
    assert.equal(two.find("r01u2")?.requiredImage, `compute/${version}`);
  });

  test("of two machines that claim one address one gets it, whichever store they use", async () => {
    const place = await server.createDatabase();
    await using one = await open(place);
    await using two = await open(place);
    const asked = Array.from({ length: 40 }, (_, n) =>
      (n % 2 === 0 ? one : two).apply(asks(n + 1, ip(`10.77.0.${50 + (n >> 1)}`))),
    );
    const decisions = await Promise.all(asked);
    assert.equal(decisions.filter(({ kind }) => kind === "changed").length, 20);
    for (const decision of decisions) {
      if (decision.kind === "refused") assert.equal(decision.refusal.kind, "addressTaken");
    }
    await until("both are at one position", () => one.position() === two.position());
    assert.deepEqual(new Set(one.list()), new Set(two.list()));
  });

  test("an order is issued once, with concurrent requests on both stores", async () => {
    const place = await server.createDatabase();
    await using one = await open(place);
    await using two = await open(place);
    for (let n = 1; n <= 20; n++) {
      const [asked, issued, taken] = birthOf(n);
      if (asked === undefined || issued === undefined || taken?.kind !== "orderTaken") assert.fail();
      await one.apply(asked);
      // Before it refuses, a store reads what it does not know yet.
      assert.equal((await two.apply(issued)).kind, "changed");
      const decisions = await Promise.all([one.apply(taken), two.apply({ ...taken, bootId: "another" })]);
      assert.deepEqual(decisions.map(({ kind }) => kind).sort(), ["changed", "refused"]);
    }
  });

  test("an expected revision is compared with the newest one", async () => {
    const place = await server.createDatabase();
    await using one = await open(place);
    await using two = await open(place);
    await one.apply(asks(1));
    await until("the other knows it", () => two.get(firstId) !== undefined);
    const hold = { kind: "conditionSet", id: firstId, condition: "hold", reason: "r" } as const;
    const decisions = await Promise.all([
      one.apply(hold, { expectRevision: 1 }),
      two.apply({ ...hold, reason: "other" }, { expectRevision: 1 }),
    ]);
    assert.deepEqual(decisions.map((d) => (d.kind === "refused" ? d.refusal.kind : d.kind)).sort(), [
      "changed",
      "changedMeanwhile",
    ]);
  });

  test("a store whose connections are cut receives missed changes, and reads continue", async () => {
    const place = await server.createDatabase();
    await using one = await open(place);
    await using two = await open(place);
    await one.apply(asks(1));
    const heard: number[] = [];
    two.watch(({ position }) => heard.push(position));
    for (let round = 1; round <= 5; round++) {
      await server.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        place.match(/fleet\d+/)?.[0],
      );
      await one.apply(asks(1));
      const reads = await Promise.all([two.history(firstId, 10), two.audit({ limit: 10 }), two.changesSince(0, 10)]);
      assert.equal(reads[0].length, round + 1);
    }
    await until("the other heard all", () => heard.at(-1) === 6);
    assert.deepEqual(
      heard.filter((position, index) => position !== (heard[0] ?? 0) + index),
      [],
      "in order, each once",
    );
  });

  test("a fleet may take longer to read than one answer may take", async () => {
    const place = await server.createDatabase();
    const machines = 900;
    {
      await using store = await open(place);
      await Promise.all(Array.from({ length: machines }, (_, n) => store.apply(asks(n + 1))));
    }
    // Each query of records waits; the limit is less than all of them together.
    const slowly = "ALTER TABLE machines RENAME TO kept; CREATE VIEW machines AS SELECT kept.* FROM kept, pg_sleep(1)";
    await server.ask(slowly, place.match(/fleet\d+/)?.[0]);
    const options = { url: place, clock: realPauses(), log, answerMs: 4500, retryMs: 1 };
    await using journal = await openPostgresJournal(options);
    assert.equal((await journal.load()).machines.length, machines);
  });

  test("old changes are deleted, and the feed reports where it begins", async () => {
    const place = await server.createDatabase();
    const skipAhead = async (position: number) => {
      await server.ask(`UPDATE feed SET position = ${position}`, place.match(/fleet\d+/)?.[0]);
    };
    await checkPruning(() => open(place), skipAhead);
  });

  test("one store is the lead; when it ends, the other becomes the lead", async () => {
    const place = await server.createDatabase();
    const one = await open(place);
    await using two = await open(place);
    await until("the first leads", one.leads);
    assert.equal(two.leads(), false);
    await one[Symbol.asyncDispose]();
    await until("the second leads", two.leads);
  });

  test("a store that was away for longer than the feed reaches back reads everything, and announces what is new", async () => {
    const place = await server.createDatabase();
    await using one = await open(place);
    await one.apply(asks(1));
    await one.apply(asks(2));
    const heard: Change[] = [];
    one.watch((change) => heard.push(change));
    const client = new pg.Client({ connectionString: place });
    await client.connect();
    // As if others had written this many changes since, and all but the last change of each machine were deleted.
    await client.query("BEGIN; UPDATE feed SET position = 900000, oldest = 900000");
    await client.query("UPDATE changes SET position = 900000 WHERE machine_id = $1", [firstId]);
    await client.query(
      "UPDATE machines SET revision = 7, document = replace(document, '\"revision\":1', '\"revision\":7') WHERE id = $1",
      [firstId],
    );
    await client.query("COMMIT");
    await client.end();
    await one.apply(asks(2));
    assert.deepEqual(
      heard.map(({ machine, position }) => [machine.id, position]),
      [
        [firstId, 900_000],
        [machineIdFromMac(testMac(2)), 900_001],
      ],
    );
    assert.equal(one.get(firstId)?.revision, 7);
  });

  test("a database that lost changes (a lagging standby) is followed, and the log says so", async () => {
    const place = await server.createDatabase();
    const said: string[] = [];
    const clock = realPauses();
    const journal = await openPostgresJournal({ url: place, clock, log, pollMs: 100_000, retryMs: 5000 });
    await using one = await storeOn({ journal, clock, log: (level, message) => said.push(`${level} ${message}`) });
    const client = new pg.Client({ connectionString: place });
    await client.connect();
    await one.apply(asks(1));
    await client.query("CREATE TABLE behind AS SELECT * FROM machines");
    await one.apply(asks(1));
    await one.apply(asks(2));
    await client.query(
      "BEGIN; TRUNCATE machines; INSERT INTO machines SELECT * FROM behind; DELETE FROM changes WHERE position > 1; " +
        "DELETE FROM claims WHERE machine_id NOT IN (SELECT id FROM machines); UPDATE feed SET position = 1; COMMIT",
    );
    await client.end();
    assert.equal((await one.apply(asks(1))).machine?.pxe.requests, 2, "one before it was lost, and this one");
    assert.deepEqual([one.list().length, one.position()], [1, 2]);
    assert.match(said.join("\n"), /warn reloading all machines/);
    assert.equal((await one.apply(asks(2))).machine?.revision, 1);
  });
});

describe("an unsuitable PostgreSQL", () => {
  test("a name, an address or a NIC that another writer claimed is not claimed twice, and other changes are written", async () => {
    const place = await server.createDatabase();
    await using one = await open(place);
    const client = new pg.Client({ connectionString: place });
    await client.connect();
    await client.query("INSERT INTO claims VALUES ($1, 'm-ghost')", [`mac ${testMac(2)}`]);
    await client.end();
    const results = await Promise.allSettled([1, 2, 3].map((n) => one.apply(asks(n))));
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal(one.byMac(testMac(2)), undefined);
    assert.equal(one.list().length, 2);
  });

  test("foreign tables are not touched", async () => {
    const place = await server.createDatabase();
    await server.ask("CREATE TABLE orders (id int)", place.match(/fleet\d+/)?.[0]);
    await assert.rejects(open(place), /found foreign tables \(orders\)/);
  });

  test("a newer schema, a missing database and an invalid connection string are named, without the password", async () => {
    const place = await server.createDatabase();
    await (await open(place))[Symbol.asyncDispose]();
    await server.ask("UPDATE birther_schema SET version = 99", place.match(/fleet\d+/)?.[0]);
    await assert.rejects(open(place), /newer version/);
    await assert.rejects(open(server.place("nowhere")), /database "nowhere" does not exist/);
    await assert.rejects(open("postgres://u:secret@h"), (error: Error) => {
      assert.match(error.message, /postgres:\/\/USER@HOST\/DATABASE, found postgres:\/\/u@h/);
      return true;
    });
  });

  for (const schema of Object.keys(oldRows).map(Number) as OldSchema[]) {
    test(`a fleet of schema ${schema} survives the later migrations`, async () => {
      const place = await server.createDatabase();
      const client = new pg.Client({ connectionString: place });
      await client.connect();
      await migratePostgres(client, schema);
      for (const row of oldRows[schema]) await client.query(row);
      await using store = await open(place);
      await checkOldFleet(store, schema);
      const { rows } = await client.query('SELECT key FROM claims ORDER BY key COLLATE "C"');
      assert.deepEqual(
        rows.map(({ key }) => key),
        ["address 10.77.1.1", "mac 02:00:00:00:00:01", "mac 02:00:00:00:00:02", "name r01u1"],
      );
      assert.equal(
        Number((await client.query("SELECT version FROM birther_schema")).rows[0]?.version),
        migrations.length,
      );
      await client.end();
    });
  }
});
