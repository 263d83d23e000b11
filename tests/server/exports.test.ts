import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { NetworkView } from "../../src/contract/operator/views.ts";
import { writeExposition } from "../../src/core/export/exposition.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { Clock, Store } from "../../src/core/ports.ts";
import { bootMetrics } from "../../src/mdb/exports/boot-metrics.ts";
import { keepDominatorFile } from "../../src/mdb/exports/dominator-file.ts";
import { openDominatorMdb } from "../../src/mdb/exports/dominator-mdb.ts";
import { fileFamilies } from "../../src/mdb/exports/exports.ts";
import { openLoneExports } from "../../src/mdb/exports/lone-exports.ts";
import { readinessOf } from "../../src/mdb/exports/readiness.ts";
import { meterStore } from "../../src/mdb/exports/store-meter.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, birthOf, testMac, until } from "../../src/mdb/testing/fleet.ts";

const clock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
const log = () => {};
const hostnames = (text: string | Iterable<string>) =>
  (JSON.parse([...text].join("")) as { Hostname: string }[]).map(({ Hostname }) => Hostname);

async function giveBirth(store: Store, ...numbers: readonly number[]): Promise<void> {
  for (const n of numbers) for (const event of birthOf(n)) await store.apply(event);
}

test("the Dominator's MDB follows the store, and ignores changes that do not concern the Dominator", async () => {
  await using store = await openStore({ path: ":memory:", clock, log });
  await giveBirth(store, 1);
  using mdb = openDominatorMdb(store);
  let changes = 0;
  mdb.onChanged(() => {
    changes += 1;
  });
  assert.deepEqual(hostnames(mdb.text()), ["r01u1"]);
  await store.apply(asks(1));
  await store.apply(asks(2));
  assert.equal(changes, 0, "a PXE request does not concern the Dominator");
  await giveBirth(store, 3);
  assert.deepEqual([changes, hostnames(mdb.text())], [1, ["r01u1", "r01u3"]]);
  await store.apply({ kind: "rebirthAsked", id: machineIdFromMac(testMac(1)), by: "test" });
  assert.deepEqual([changes, hostnames(mdb.text()), mdb.machines()], [2, ["r01u3"], 1]);
});

test("the Dominator's MDB finds unannounced changes by itself", async () => {
  await using real = await openStore({ path: ":memory:", clock, log });
  await giveBirth(real, 1);
  // A store that reloads its fleet announces no single machine.
  using mdb = openDominatorMdb({ ...real, watch: () => () => {} });
  let changes = 0;
  mdb.onChanged(() => {
    changes += 1;
  });
  await giveBirth(real, 2);
  await real.apply({ kind: "rebirthAsked", id: machineIdFromMac(testMac(1)), by: "test" });
  assert.deepEqual(hostnames(mdb.text()), ["r01u1"]);
  await mdb.compare();
  assert.deepEqual([changes, hostnames(mdb.text())], [1, ["r01u2"]]);
  await mdb.compare();
  assert.equal(changes, 1);
});

describe("the Dominator's MDB file", () => {
  async function inDirectory(act: (directory: string, store: Store) => Promise<void>): Promise<void> {
    const directory = mkdtempSync(join(tmpdir(), "birther-exports-"));
    try {
      await using store = await openStore({ path: ":memory:", clock, log });
      await act(directory, store);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  test("exists at once, is replaced by another inode on a change, leaves no draft, and is world-readable", () =>
    inDirectory(async (directory, store) => {
      await giveBirth(store, 1);
      const path = join(directory, "mdb.json");
      using mdb = openDominatorMdb(store);
      await using _file = await keepDominatorFile({ path, mdb, clock, log });
      assert.deepEqual(hostnames(readFileSync(path, "utf8")), ["r01u1"]);
      const { ino, mode } = statSync(path);
      assert.equal(mode & 0o444, 0o444);
      await giveBirth(store, 2, 3);
      await until("the file names all three", () => hostnames(readFileSync(path, "utf8")).length === 3);
      assert.notEqual(statSync(path).ino, ino);
      assert.deepEqual(readdirSync(directory), ["mdb.json"]);
    }));

  test("simultaneous changes are written together", () =>
    inDirectory(async (directory, store) => {
      const path = join(directory, "mdb.json");
      using mdb = openDominatorMdb(store);
      const beganMs = performance.now();
      await using file = await keepDominatorFile({ path, mdb, clock, log });
      await Promise.all(Array.from({ length: 30 }, (_, n) => giveBirth(store, n + 1)));
      await until("the file names all thirty", () => hostnames(readFileSync(path, "utf8")).length === 30);
      // One at the start, and the changes of each fifth of a second: on a busy computer they are not all in one.
      const most = 2 + (performance.now() - beganMs) / 200;
      assert.ok(file.figures().writes <= most, `${file.figures().writes} writes, expected at most ${most}`);
    }));

  test("the last change is written at the end", () =>
    inDirectory(async (directory, store) => {
      const path = join(directory, "mdb.json");
      using mdb = openDominatorMdb(store);
      {
        await using _file = await keepDominatorFile({ path, mdb, clock, log });
        assert.deepEqual(hostnames(readFileSync(path, "utf8")), []);
        await giveBirth(store, 1);
      }
      assert.deepEqual(hostnames(readFileSync(path, "utf8")), ["r01u1"]);
    }));

  test("an unwritable path: refused at the start, logged and counted later; the old file stays", () =>
    inDirectory(async (directory, store) => {
      using mdb = openDominatorMdb(store);
      const said: string[] = [];
      const nowhere = join(directory, "none", "mdb.json");
      await assert.rejects(keepDominatorFile({ path: nowhere, mdb, clock, log }), /writing .*none\/mdb\.json failed/);
      const path = join(directory, "mdb.json");
      const file = await keepDominatorFile({ path, mdb, clock, log: (_, message) => said.push(message) });
      // A directory is in the draft's place.
      mkdirSync(`${path}.new`);
      await giveBirth(store, 1);
      await until("the failure is counted", () => file.figures().failures > 0);
      assert.match(said.join(), /writing the Dominator's MDB failed/);
      assert.deepEqual(hostnames(readFileSync(path, "utf8")), []);
      rmSync(`${path}.new`, { recursive: true });
      await file[Symbol.asyncDispose]();
      assert.deepEqual(hostnames(readFileSync(path, "utf8")), ["r01u1"]);
    }));
});

test("writes are timed, refusals and failures counted, and pending writes visible", async () => {
  let nowMs = 0;
  const still: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  await using real = await openStore({ path: ":memory:", clock: still, log });
  let act: Store["apply"] = real.apply;
  const { store, meter } = meterStore({ ...real, apply: (...asked) => act(...asked) }, still);
  await giveBirth(store, 1);
  const id = machineIdFromMac(testMac(1));
  await store.apply({ kind: "subSeen", id, runningImage: "compute" });
  await store.apply({ kind: "orderIssued", id, tokenHash: "x", expiresAtMs: 9e12 });
  const { promise, reject } = Promise.withResolvers<never>();
  act = () => promise;
  nowMs = 5000;
  const lost = store.apply(asks(1));
  assert.equal(meter.waitingSinceMs(), 5000);
  reject(new Error("the disk is full"));
  await assert.rejects(lost, /full/);
  assert.deepEqual([meter.waitingSinceMs(), meter.lastFailure()], [undefined, "the disk is full"]);
  act = real.apply;
  await store.apply(asks(1));
  assert.equal(meter.lastFailure(), undefined);
  const text = JSON.stringify(meter.families());
  assert.match(text, /birther_mdb_write_failures_total.*"value":1/);
  assert.match(text, /"labels":\{"reason":"staleOrder"\},"value":1/);
});

test("metrics: fleet, changes, births and process in one text", async () => {
  await using memory = await openStore({ path: ":memory:", clock, log });
  using exports = openLoneExports(memory, clock);
  await giveBirth(exports.store, 1);
  await exports.store.apply(asks(2));
  const text = await exports.metrics();
  for (const line of [
    'birther_build_info{version="test"} 1',
    'birther_machines{state="birth",phase="offered"} 1',
    'birther_changes_total{event="pxeAsked"} 2',
    "birther_birth_seconds_count 1",
    "birther_mdb_write_seconds_count 5",
    "birther_mdb_writes_waiting 0",
  ])
    assert.ok(text.includes(`${line}\n`), `${line}\nis not in\n${text}`);
  assert.match(text, /^process_resident_memory_bytes [1-9]\d{6,}$/m);
});

test("every metric that the dashboard and the alert rules use is exported", async () => {
  await using memory = await openStore({ path: ":memory:", clock, log });
  using exports = openLoneExports(memory, clock);
  await giveBirth(exports.store, 1);
  // Refused: another token than that of its order.
  await exports.store.apply(birthOf(1)[2] ?? assert.fail());
  const shown = `${await exports.metrics()}${writeExposition(bootMetrics([busyNetwork], busyTraffic))}${writeExposition(
    fileFamilies({ writes: 1, failures: 0, lastWriteAtMs: 1 }),
  )}`;
  const exported = new Set([...shown.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name));
  const folder = join(import.meta.dirname, "../../packaging");
  for (const file of ["grafana/birther.json", "prometheus/birther.rules.yml"]) {
    const text = readFileSync(join(folder, file), "utf8");
    const named = [...text.matchAll(/\b((?:birther|process|nodejs)_[a-z0-9_]+)/g)].map(([, name = ""]) => name);
    assert.ok(named.length > 10, file);
    for (const name of new Set(named)) {
      assert.ok(exported.has(name) || exported.has(name.replace(/_(bucket|sum|count)$/, "")), `${file}: ${name}`);
    }
  }
});

const busyNetwork: NetworkView = {
  ...{ name: "rack", nursery: true, notServed: "stop it", declined: [], receiveBufferBytes: 1 },
  mode: "full",
  pool: { first: "10.0.0.1", last: "10.0.0.9", size: 9, held: 4, exhaustedSinceMs: 1, refused: 2 },
  ...{ received: 7, answered: 5, answers: { loader: 5 }, unanswered: { poolExhausted: 2 }, malformed: { short: 1 } },
};
const busyTraffic = {
  tftp: { transfers: { sent: 3 }, bytes: 9 },
  http: { answers: { "200": 2, aborted: 1 }, bytes: 8 },
};

test("metrics of the Boot Server: per network, with labels from its counters", () => {
  const families = bootMetrics([busyNetwork], busyTraffic);
  const samples = Object.fromEntries(
    families.flatMap((family) =>
      family.kind === "histogram"
        ? []
        : family.samples.map(({ labels = {}, value }) => [
            [family.name, ...Object.values(labels)].join(" ").replace("birther_", ""),
            value,
          ]),
    ),
  );
  assert.deepEqual(samples, {
    "network_served rack": 0,
    "dhcp_received_total rack": 7,
    "pxe_answers_total rack loader": 5,
    "dhcp_unanswered_total rack poolExhausted": 2,
    "dhcp_malformed_total rack short": 1,
    "pool_addresses rack": 9,
    "pool_held_addresses rack": 4,
    "pool_declined_addresses rack": 0,
    "pool_exhausted rack": 1,
    "tftp_transfers_total sent": 3,
    tftp_sent_bytes_total: 9,
    "http_answers_total 200": 2,
    "http_answers_total aborted": 1,
    http_sent_bytes_total: 8,
  });
});

test("readiness: each fault is named; a check that throws is a fault with its message", async () => {
  const well = { name: "files", check: () => undefined };
  assert.equal((await readinessOf([well])).ready, true);
  const broken = { name: "disk", check: () => Promise.reject(new Error("no such directory")) };
  const full = { name: "pool", check: () => ({ fault: "it is empty", next: "enlarge it" }) };
  assert.deepEqual(await readinessOf([well, broken, full]), {
    ready: false,
    checks: [
      { name: "files", ok: true },
      { name: "disk", ok: false, fault: "no such directory", next: "see the server's log" },
      { name: "pool", ok: false, fault: "it is empty", next: "enlarge it" },
    ],
  });
});
