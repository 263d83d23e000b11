import assert from "node:assert/strict";
import { imageStreamOf } from "../../core/image/stream/image-stream.ts";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import { ip } from "../../core/net/testing/addresses.ts";
import type { Store } from "../../core/ports.ts";
import { lessonsOf } from "../../core/pxe/local-boot/lesson.ts";
import { settleStreams } from "../image-streams/first-current.ts";
import { asks, stillClock, testMac } from "./fleet.ts";

const healthy = `{"id":"m-020000000001","revision":4,"createdAtMs":1000000,"macs":["02:00:00:00:00:01"],"state":"healthy","generation":1,"conditions":[],"pxe":{"requests":1,"responses":1,"lastRequestAtMs":1000000,"lastAnswer":"loader"},"lastSeenAtMs":1000000,"timeline":[{"phase":"offered","atMs":1000000,"detail":"firmware: loader"}],"phase":"initUp","phaseAtMs":1000000,"firmware":"bios","network":"rack","hostname":"R01u1","permanentAddress":"10.77.1.1","placement":{"switchName":"tor-1","port":"swp1","position":{},"hostname":"R01u1","address":"10.77.1.1"},"requiredImage":"compute","storage":{"rootDisk":{"path":"/dev/vda","serial":"","sizeBytes":1,"why":"only"},"encryption":{"kind":"none","reason":"test"}},"subTokenHash":"sub1"}`;
const unborn = `{"id":"m-020000000002","revision":1,"createdAtMs":1000000,"macs":["02:00:00:00:00:02"],"state":"birth","generation":1,"conditions":[],"pxe":{"requests":1,"responses":1,"lastRequestAtMs":1000000,"lastAnswer":"loader"},"lastSeenAtMs":1000000,"timeline":[{"phase":"offered","atMs":1000000}],"phase":"offered","phaseAtMs":1000000,"firmware":"bios","network":"rack","temporaryAddress":"10.77.0.51"}`;
const order = `{"tokenHash":"aa","action":"birth","generation":1,"expiresAtMs":2000000}`;
/** Until schema 3 the order of a record was called `ticket`. */
const ordered = unborn.replace(/}$/, `,"ticket":${order}}`);
/** Until schema 4 only the words of a condition said that nothing but a rebirth helps. */
const hold = `{"kind":"hold","reason":"nobody may ask for its rebirth","sinceMs":1000000}`;
const failing = `{"kind":"failing","reason":"started 3 times from the network: ask for its rebirth (birther rebirth R01u1)","sinceMs":1000000}`;
const failingWithRemedy = failing.replace(/}$/, `,"remedy":"rebirth"}`);
const unheard = healthy.replace(`"conditions":[]`, `"conditions":[${hold},${failing}]`);
const asked = `{"kind":"pxeAsked","mac":"02:00:00:00:00:01","firmware":"bios","network":"rack","nursery":true,"stage":"firmware","answer":"loader"}`;
const outcome = `{"id":"m-020000000001","revision":1,"state":"birth","generation":1,"conditions":[],"phase":"offered"}`;
const lesson = `{"vendor":"Dull","product":"R1","firmware":"uefi","client":"uefiPxe","scores":{"offerThenNak":2},"learnedAtMs":1}`;

const machinesAndEvents = [
  `INSERT INTO machines (id, revision, document) VALUES ('m-020000000001', 4, '${healthy}'), ('m-020000000002', 1, '${unborn}')`,
  `INSERT INTO events (machine_id, revision, at_ms, event, outcome) VALUES ('m-020000000001', 1, 1000000, '${asked}', '${outcome}')`,
];

function rowsSinceSchema3(first: string, second: string): readonly string[] {
  return [
    `INSERT INTO machines (id, revision, document) VALUES ('m-020000000001', 4, '${first}'), ('m-020000000002', 1, '${second}')`,
    `INSERT INTO changes (position, machine_id, at_ms, event, outcome) VALUES (1, 'm-020000000001', 1000000, '${asked}', '${outcome}')`,
    "UPDATE feed SET position = 1, oldest = 2",
    `INSERT INTO documents (kind, key, document, position) VALUES ('lesson', 'Dull\tR1\tuefi\tuefiPxe', '${lesson}', 0)`,
    `INSERT INTO claims (key, machine_id) VALUES ('mac 02:00:00:00:00:01', 'm-020000000001'), ('mac 02:00:00:00:00:02', 'm-020000000002'),
      ('name r01u1', 'm-020000000001'), ('address 10.77.1.1', 'm-020000000001')`,
  ];
}

/** Rows as each earlier schema's version of the program wrote them, as SQL that both databases take. */
export const oldRows = {
  1: machinesAndEvents,
  2: [
    ...machinesAndEvents,
    `INSERT INTO lessons (vendor, product, firmware, client, document) VALUES ('Dull', 'R1', 'uefi', 'uefiPxe', '${lesson}')`,
  ],
  3: rowsSinceSchema3(healthy, ordered),
  4: rowsSinceSchema3(unheard, ordered.replace("ticket", "order")),
  5: [
    ...rowsSinceSchema3(unheard.replace(failing, failingWithRemedy), ordered.replace("ticket", "order")),
    `INSERT INTO audit (position, at_ms, by_whom, action, subject, after_json)
      VALUES (1, 1000000, 'olga', 'put token', 'olga', '{"role":"viewer"}')`,
  ],
  6: [
    ...rowsSinceSchema3(unheard.replace(failing, failingWithRemedy), ordered.replace("ticket", "order")),
    `INSERT INTO audit (position, at_ms, by_whom, action, subject, after_json, request_json)
      VALUES (1, 1000000, 'olga', 'put token', 'olga', '{"role":"viewer"}', '{"id":"q-7","from":"local"}')`,
  ],
} as const;
export type OldSchema = keyof typeof oldRows;

/** Earlier versions required a stream and meant its newest version: that one is current now, and no machine moves. */
async function checkImages(store: Store): Promise<void> {
  assert.equal(store.find("r01u1")?.requiredImage, "compute");
  await settleStreams({ store, clock: stillClock(), log: () => {} }, ["compute/1", "compute/10", "compute/9"]);
  const { requiredImage, imageStream } = store.find("r01u1") ?? assert.fail();
  assert.deepEqual([requiredImage, imageStream], ["compute/10", "compute"]);
  assert.equal(imageStreamOf(store, "compute")?.current, 10);
}

/** Throws unless a store holds what these rows said, and goes on from there. */
export async function checkOldFleet(store: Store, schema: OldSchema): Promise<void> {
  const id = machineIdFromMac(testMac(1));
  assert.deepEqual(
    store
      .list()
      .map((machine) => machine.id)
      .sort(),
    ["m-020000000001", "m-020000000002"],
  );
  assert.equal(store.find("r01u1")?.permanentAddress, ip("10.77.1.1"));
  assert.deepEqual(
    store.find("r01u1")?.conditions,
    schema < 4 ? [] : [JSON.parse(hold), { ...JSON.parse(failing), remedy: "rebirth" }],
  );
  assert.deepEqual(store.find("m-020000000002")?.order, schema < 3 ? undefined : JSON.parse(order));
  const [past] = await store.history(id, 10);
  assert.deepEqual([past?.event.kind, past?.atMs, past?.machine.state], ["pxeAsked", 1_000_000, "birth"]);
  assert.deepEqual(
    lessonsOf(store).map(({ scores }) => scores),
    schema < 2 ? [] : [{ offerThenNak: 2 }],
  );
  assert.equal(store.position(), 1);
  assert.deepEqual(await store.changesSince(0, 10), { kind: "tooOld", oldest: 2 });
  assert.equal((await store.apply(asks(1))).kind, "changed");
  const since = await store.changesSince(1, 10);
  assert.deepEqual(since.kind === "changes" && since.changes.map(({ position }) => position), [2]);
  await checkImages(store);
  const audited = await store.audit({ subject: "olga", limit: 10 });
  const old = {
    position: 1,
    atMs: 1_000_000,
    by: "olga",
    action: "put token",
    subject: "olga",
    after: { role: "viewer" },
  };
  const entry = schema < 6 ? old : { ...old, request: { id: "q-7", from: "local" } };
  assert.deepEqual(audited, schema < 5 ? [] : [entry]);
  assert.deepEqual(await store.audit({ request: "q-7", limit: 10 }), schema < 6 ? [] : [entry]);
}
