import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { openAddressBook } from "../../src/boot-server/dhcp/address-book.ts";
import { storedRecord } from "../../src/contract/machine-record.ts";
import { documentFaults } from "../../src/core/machine/check.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { MachineIn } from "../../src/core/machine/record.ts";
import { testMachine } from "../../src/core/machine/testing/test-machine.ts";
import { refuseUnreadable } from "../../src/core/machine/unreadable-record.ts";
import { addToIpv4 } from "../../src/core/net/ipv4.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { readMachine } from "../../src/mdb/journal/read-machine.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, birthOf, stillClock, storedToken, testMac } from "../../src/mdb/testing/fleet.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-records-"));
after(() => rmSync(directory, { recursive: true }));

const healthy = testMachine("healthy");
const { id } = healthy;
const stored = storedRecord(healthy);
const { storage: _none, ...withoutStorage } = stored;
const faults: readonly (readonly [title: string, document: string, fault: RegExp])[] = [
  ["half a record", JSON.stringify(stored).slice(0, 200), /^expected JSON, found /],
  ["no object", "[]", /expected .*found/],
  [
    "a state that is none",
    JSON.stringify({ ...stored, state: "dead" }),
    /^state: expected .*"healthy".*, found "dead"$/,
  ],
  ["a healthy machine without storage", JSON.stringify(withoutStorage), /^storage: expected .*, found undefined$/],
  ["text for a number", JSON.stringify({ ...stored, revision: "1" }), /^revision: expected number, found "1"$/],
  [
    "a condition that is none",
    JSON.stringify({ ...stored, conditions: [{ kind: "odd", reason: "", sinceMs: 0 }] }),
    /^conditions\.0\.kind: expected .*, found "odd"$/,
  ],
  [
    "the record of another machine",
    JSON.stringify({ ...stored, id: "m-000000000009" }),
    /^id: expected m-525400000001/,
  ],
];
for (const [title, document, fault] of faults)
  test(`a stored record, ${title}: the fault and its place are named`, () => {
    const read = readMachine({ id, document });
    assert.ok(read.kind === "unreadable");
    assert.match(read.record.fault, fault);
    assert.ok(read.record.claims.includes(`mac ${healthy.macs[0]}`));
  });

test("a stored record keeps what a newer version added", () => {
  const added = { rackColour: "red", pxe: { ...healthy.pxe, speed: 1 } };
  const document = JSON.stringify({ ...stored, ...added });
  assert.deepEqual(readMachine({ id, document }), { kind: "machine", machine: { ...healthy, ...added } });
});

test("a stored record without a version is of version 1; one of a newer version is left alone, and says what to update", () => {
  const { recordVersion, ...unversioned } = stored;
  assert.equal(recordVersion, 1);
  assert.deepEqual(readMachine({ id, document: JSON.stringify(unversioned) }), { kind: "machine", machine: healthy });
  const read = readMachine({ id, document: JSON.stringify({ ...stored, recordVersion: 4 }) });
  assert.ok(read.kind === "unreadable");
  assert.equal(read.record.fault, "recordVersion: expected at most 3, found 4");
  assert.match(refuseUnreadable(read.record).next, /^update this server/);
});

test("only a clean that erases more than keys is stored as a version that an older server leaves alone", () => {
  const { recovery: _, unheardBoots: __, ...others } = healthy as MachineIn<"healthy">;
  const clean = { ...others, state: "clean" } as const;
  assert.equal(storedRecord(clean).recordVersion, 1);
  const more = { ...clean, erase: { sanitize: "require" } } as const;
  assert.equal(storedRecord(more).recordVersion, 2);
  assert.deepEqual(readMachine({ id, document: JSON.stringify(storedRecord(more)) }), {
    kind: "machine",
    machine: more,
  });
});

test("a machine whose disk key is in its TPM is stored as a version that an older server leaves alone", () => {
  const encryption = { kind: "luks2", keyIn: "tpm" } as const;
  const installed = healthy as MachineIn<"healthy">;
  const machine = { ...installed, storage: { ...installed.storage, encryption } };
  assert.equal(storedRecord(machine).recordVersion, 3);
  assert.deepEqual(readMachine({ id, document: JSON.stringify(storedRecord(machine)) }), { kind: "machine", machine });
});

test("with one damaged record the others are served, and its machine is neither reborn nor replaced", async () => {
  const path = join(directory, "damaged.sqlite");
  const lines: string[] = [];
  const log = (_level: string, message: string) => void lines.push(message);
  {
    await using store = await openStore({ path, clock: stillClock(), log });
    for (const event of [...birthOf(1), ...birthOf(2)]) await store.apply(event);
  }
  const damaged = machineIdFromMac(testMac(1));
  const database = new DatabaseSync(path);
  database
    .prepare("UPDATE machines SET document = replace(document, '\"healthy\"', '\"dead\"') WHERE id = ?")
    .run(damaged);
  const before = database.prepare("SELECT document FROM machines WHERE id = ?").get(damaged);
  database.close();

  {
    await using store = await openStore({ path, clock: stillClock(), log });
    assert.deepEqual(
      store.list().map((machine) => machine.hostname),
      ["r01u2"],
    );
    assert.deepEqual(
      store.unreadable().map((record) => record.id),
      [damaged],
    );
    assert.match(lines.find((line) => line.includes(damaged)) ?? "", /state: expected .*found "dead"/);
    const [, , , takesItsSlot] = birthOf(3);
    assert.ok(takesItsSlot?.kind === "becameHealthy");
    const placement = { ...takesItsSlot.placement, hostname: "r01u1" };
    for (const event of [
      asks(1),
      { kind: "orderIssued", id: damaged, tokenHash: "t", expiresAtMs: 9e12 } as const,
      { ...takesItsSlot, placement },
    ]) {
      const decision = await store.apply(event);
      assert.equal(decision.kind === "refused" && decision.refusal.kind, "unreadableRecord", event.kind);
    }
    assert.equal((await store.apply({ kind: "subSeen", id: machineIdFromMac(testMac(2)) })).kind, "changed");
    // Its address belongs to it: nobody else is offered it, and it is found by all that is known of it.
    const book = openAddressBook({ store, clock: stillClock(), log });
    const address = addToIpv4(ip("10.77.1.0"), 1);
    assert.deepEqual(book.holderFor(testMac(9))(address), { kind: "machine", mac: testMac(1) });
    for (const key of [{ id: damaged }, { mac: testMac(1) }, { address }])
      assert.equal(store.unreadableWith(key)?.id, damaged);
    assert.equal(store.unreadableWith({ mac: testMac(2) }), undefined);
  }
  const again = new DatabaseSync(path);
  assert.deepEqual(again.prepare("SELECT document FROM machines WHERE id = ?").get(damaged), before);
  again.close();
});

test("one damaged document: it is named, and the others are there", async () => {
  const path = join(directory, "damaged-document.sqlite");
  const lines: string[] = [];
  const log = (_level: string, message: string) => void lines.push(message);
  {
    await using store = await openStore({ path, clock: stillClock(), log });
    for (const key of ["a", "b"]) await store.putDocument({ kind: "token", key, document: storedToken("viewer") });
  }
  const database = new DatabaseSync(path);
  database.exec("UPDATE documents SET document = replace(document, 'viewer', 'owner') WHERE key = 'a'");
  database.close();
  await using store = await openStore({ path, clock: stillClock(), log });
  assert.deepEqual(
    store.documents("token").map(({ key }) => key),
    ["b"],
  );
  assert.deepEqual(
    store.unreadableDocuments().map(({ key }) => key),
    ["a"],
  );
  assert.match(
    documentFaults(store.unreadableDocuments())[0]?.message ?? "",
    /^the token "a" cannot be read: role: expected .*found "owner"$/,
  );
  assert.match(lines.join("\n"), /document token "a" in the MDB is invalid: role: expected .*found "owner"/);
  await store.putDocument({ kind: "token", key: "a", document: storedToken("admin") });
  assert.deepEqual(store.unreadableDocuments(), []);
});
