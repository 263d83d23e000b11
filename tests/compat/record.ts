/** Records the messages and the database of this version: `node tests/compat/record.ts VERSION` writes tests/compat/VERSION. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { declinedDocument } from "../../src/core/dhcp/pool/declined.ts";
import type { DiskIdentity } from "../../src/core/hardware/disk-identity.ts";
import { heldImageDocument } from "../../src/core/image/copies/held-image.ts";
import { imageStreamDocument } from "../../src/core/image/stream/image-stream.ts";
import type { Directive } from "../../src/core/image/update/directive.ts";
import type { MachineEvent } from "../../src/core/machine/event.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { hardware } from "../../src/core/machine/testing/test-fleet.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import type { Store } from "../../src/core/ports.ts";
import { lessonDocument } from "../../src/core/pxe/local-boot/lesson.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, birthOf, stillClock, storedToken, testMac } from "../../src/mdb/testing/fleet.ts";
import { recordLife } from "./record-life.ts";

const [version] = process.argv.slice(2);
assert.ok(version !== undefined && /^[0-9a-z.-]+$/.test(version), "usage: node tests/compat/record.ts VERSION");
const target = join(import.meta.dirname, version);
mkdirSync(target, { recursive: true });
/** No life on the fake host has a second authority. */
const trust: Directive = { kind: "trust", caPem: "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n" };
const lines = [...recordLife(), { message: "directive", value: trust }].map((message) => JSON.stringify(message));
writeFileSync(join(target, "messages.jsonl"), `${lines.join("\n")}\n`);

const directory = mkdtempSync(join(tmpdir(), "birther-record-"));
try {
  const path = join(directory, "mdb.sqlite");
  {
    await using store = await openStore({ path, clock: stillClock(), log: () => undefined });
    await fillDatabase(store);
  }
  writeFileSync(join(target, "database.sql"), dumpOf(path));
} finally {
  rmSync(directory, { recursive: true });
}

/** A machine in each state and every kind of document. */
async function fillDatabase(store: Store): Promise<void> {
  const id = (n: number) => machineIdFromMac(testMac(n));
  const scanned = (n: number): MachineEvent => ({ kind: "hardwareScanned", id: id(n), hardware: hardware(testMac(n)) });
  const [asked, issued, taken, becomes] = birthOf(2);
  assert.ok(
    asked !== undefined && issued !== undefined && taken?.kind === "orderTaken" && becomes?.kind === "becameHealthy",
  );
  const { placement } = becomes;
  const dataDisk = { path: "/dev/vdb", serial: "d", wwn: "", sizeBytes: 8e9 };
  const events: readonly MachineEvent[] = [
    { ...asks(1, ip("10.77.0.51")), nursery: false },
    ...[asked, issued, { ...taken, tpm: { kind: "proved", ekSha256: "ab".repeat(32) } as const }, scanned(2)],
    { kind: "burnInDone", id: id(2), report: { verdict: "skipped", results: [] } },
    {
      kind: "placed",
      id: id(2),
      placement,
      rootDisk: { path: "/dev/vda", serial: "s", wwn: "", sizeBytes: 8e9 },
      dataDisks: [dataDisk],
    },
    ...[withVolumes(becomes, dataDisk), ...birthOf(3), ...birthOf(4), ...birthOf(5)],
    { kind: "subSeen", id: id(3), fromDisk: true, runningImage: "compute/1", upToDate: true },
    { kind: "rebootAsked", id: id(3), by: "ann", atOnce: 10, perRack: 2 },
    { kind: "rebootSent", id: id(3), boot: "0123abcd" },
    { kind: "rebirthAsked", id: id(4), by: "ann", newRootDisk: { selector: "s" } },
    { kind: "cleanAsked", id: id(5), by: "ann" },
    { ...asks(6, ip("10.77.0.56")) },
    { kind: "addressDeclined", id: id(6), address: ip("10.77.0.56") },
    { kind: "machineCreated", id: id(7), by: "ann", macs: [testMac(7)], hostname: "r01u7", tags: { tier: "front" } },
    { kind: "conditionSet", id: id(6), condition: "hold", reason: "disk swap" },
  ];
  for (const event of events) assert.equal((await store.apply(event, { by: "ann" })).kind, "changed", event.kind);
  const notice = { id: "n1", kind: "hold", atMs: 1, machine: { id: id(6), state: "birth", generation: 1 } } as const;
  const documents = [
    lessonDocument({
      ...{ vendor: "Dull", product: "R1", firmware: "uefi", client: "uefiPxe" },
      ...{ scores: { offerThenNak: 2 }, learnedAtMs: 1 },
    }),
    declinedDocument({ address: ip("10.77.0.56"), mac: testMac(6), untilMs: 9e12 }),
    { kind: "token", key: "ann", document: storedToken("admin") },
    { kind: "tokenUse", key: "ann", document: { atMs: 1 } },
    {
      kind: "session",
      key: "a".repeat(64),
      document: { token: "ann", tokenHash: "secret", createdAtMs: 1, usedAtMs: 1 },
    },
    { kind: "session", key: "b".repeat(64), document: { user: "root", role: "admin", createdAtMs: 1, usedAtMs: 1 } },
    { kind: "webhook", key: "cursor", document: { position: 3 } },
    { kind: "webhook", key: "call n1 https://hooks.example", document: { url: "https://hooks.example", notice } },
    { kind: "authority", key: "ca", document: { fingerprint: "AA:BB" } },
    { kind: "agentRollout", key: "2".repeat(32), document: { trials: [{ machine: id(3), sinceMs: 1 }] } },
    {
      kind: "siteServer",
      key: "10.77.0.2:443",
      document: {
        networks: [{ network: "rack", temporary: "10.77.0.2:443", permanent: "10.77.1.2:443" }],
        aliveAtMs: 1,
      },
    },
    {
      kind: "erasure",
      key: "20261130T090000Z-01020304",
      document: {
        ...{ machine: id(3), generation: 2, bootId: "b", path: "/dev/sda", serial: "S1", wwn: "w", atMs: 1 },
        statement: '{"birtherErasure":1}',
        signature: { value: "c2lnbmF0dXJl", authority: "AA:BB" },
      },
    },
    heldImageDocument({
      ...{ name: "compute/1", createdAtMs: 1, entries: 2, bytes: 3, servers: ["10.77.0.1:443"] },
      manifest: { sha512: "a".repeat(128), size: 4 },
    }),
    imageStreamDocument({
      ...{ stream: "compute", current: 1, previous: 0, by: "ann", atMs: 1 },
      promotion: { version: 2, canary: id(3), by: "ann", atMs: 2 },
    }),
  ] as const;
  for (const document of documents) await store.putDocument({ ...document, by: "ann" });
}

/** The record of a machine that was born with a layout. */
function withVolumes(becomes: Extract<MachineEvent, { kind: "becameHealthy" }>, disk: DiskIdentity): MachineEvent {
  const volumes = [{ name: "data1", disk, sizeMiB: 7600, mountPoint: "/srv/disk1" }];
  return { ...becomes, storage: { ...becomes.storage, layout: "storage", volumes } };
}

/** A SQLite database as SQL text: its tables, its rows and the number of its schema. */
function dumpOf(path: string): string {
  const database = new DatabaseSync(path);
  const tables = database.prepare("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").all();
  const statements = tables.map(({ sql }) => `${sql};`);
  for (const { name } of database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid").all()) {
    for (const row of database.prepare(`SELECT * FROM ${name}`).all()) {
      const values = Object.values(row).map(sqlValue);
      statements.push(`INSERT INTO ${name} (${Object.keys(row).join(", ")}) VALUES (${values.join(", ")});`);
    }
  }
  const schema = database.prepare("PRAGMA user_version").get()?.user_version;
  const application = database.prepare("PRAGMA application_id").get()?.application_id;
  database.close();
  return `${[...statements, `PRAGMA user_version = ${schema};`, `PRAGMA application_id = ${application};`].join("\n")}\n`;
}

function sqlValue(value: unknown): string {
  if (value === null) return "NULL";
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}
