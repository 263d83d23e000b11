import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hardware } from "../../core/hardware/hardware.ts";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { type Lesson, lessonDocument, lessonsOf } from "../../core/pxe/local-boot/lesson.ts";
import { inRequest } from "../request-origin.ts";

import { asks, birthOf, stillClock, storedToken, testMac } from "./fleet.ts";

/** A database for one test; `open` opens the same one each time. A Store that keeps nothing has `keeps: false`. */
export type Place = { readonly keeps: boolean; readonly open: (clock: Clock) => Promise<Store & AsyncDisposable> };

/** What a Store must still have when its database is opened again; part of `storeSuite`. */
export function storeKeeps(place: () => Place): void {
  test("the history of a machine is bounded in bytes, too, and the feed says that it begins later", async () => {
    const clock = stillClock();
    await using store = await place().open(clock);
    for (const n of [1, 2]) await store.apply(asks(n));
    const [id, other] = [machineIdFromMac(testMac(1)), machineIdFromMac(testMac(2))];
    for (let n = 0; n < 100; n += 1) {
      clock.pass(60_000);
      const reason = `${n} ${"x".repeat(60_000)}`;
      assert.equal((await store.apply({ kind: "failed", id, step: "test", reason })).kind, "changed");
    }
    const history = await store.history(id, 1000);
    const bytes = history.reduce((sum, change) => sum + JSON.stringify(change).length, 0);
    assert.ok(history.length > 10 && bytes < 5 << 20, `${history.length} changes of ${bytes} bytes`);
    assert.match(JSON.stringify(history.at(-1)), /"99 xxx/);
    assert.equal((await store.history(other, 10)).length, 1, "another machine keeps its own");
    assert.equal((await store.changesSince(0, 10)).kind, "tooOld");
  });

  test("the record of another NIC is gone, now and after reopening", async () => {
    const { keeps, open } = place();
    const id = machineIdFromMac(testMac(1));
    const nics = [testMac(1), testMac(2)].map((mac, n) => {
      return { name: `eth${n}`, mac, driver: "", speedMbps: 0, carrier: true, path: "" };
    });
    const board = { vendor: "", product: "", serial: "", uuid: "" };
    const parts = {
      cpus: 1,
      cpuModel: "",
      memoryMiB: 1,
      disks: [],
      nics,
      secureBoot: false,
      tpm: false,
      watchdog: "",
    };
    const hardware: Hardware = { ...parts, firmware: "bios", smbios: board };
    {
      await using store = await open(stillClock());
      await store.apply(asks(2));
      await store.apply(asks(1));
      await store.apply({ kind: "hardwareScanned", id, hardware });
      assert.equal(store.byMac(testMac(2))?.id, id);
      assert.equal(store.list().length, 1);
    }
    if (!keeps) return;
    await using again = await open(stillClock());
    assert.deepEqual(
      again.list().map((machine) => machine.macs),
      [[testMac(1), testMac(2)]],
    );
  });

  test("a lesson replaces the one for the same model and stage, and survives reopening", async () => {
    const { keeps, open } = place();
    const first = await open(stillClock());
    const lesson = { vendor: "Dull", product: "R1", firmware: "uefi", learnedAtMs: 1 } as const;
    const learn = (what: Omit<Lesson, keyof typeof lesson>) =>
      first.putDocument(lessonDocument({ ...lesson, ...what }));
    await learn({ client: "uefiPxe", scores: { offerThenNak: 1 } });
    await learn({ client: "uefiHttp", scores: { bootFileRefused: 1 } });
    await learn({ client: "uefiPxe", scores: { offerThenNak: 2 } });
    const scores = (store: Store) => lessonsOf(store).map((known) => JSON.stringify(known.scores));
    assert.deepEqual(scores(first).sort(), ['{"bootFileRefused":1}', '{"offerThenNak":2}']);
    await first[Symbol.asyncDispose]();
    if (!keeps) return;
    await using again = await open(stillClock());
    assert.deepEqual(scores(again).sort(), ['{"bootFileRefused":1}', '{"offerThenNak":2}']);
  });

  test("acknowledged changes survive reopening, and a closed store reports that it is closed", async () => {
    const { keeps, open } = place();
    const first = await open(stillClock());
    for (const event of birthOf(1)) await first.apply(event);
    const before = first.list();
    await first[Symbol.asyncDispose]();
    await assert.rejects(first.apply(asks(1)), /closed/);
    if (!keeps) return;
    await using again = await open(stillClock());
    assert.deepEqual(again.list(), before);
    assert.equal((await again.history(machineIdFromMac(testMac(1)), 50)).length, 4);
  });

  test("positions increase by one with each change of the fleet; the feed can be read from any of them", async () => {
    const { keeps, open } = place();
    const first = await open(stillClock());
    assert.equal(first.position(), 0);
    const heard: number[] = [];
    first.watch(({ position }) => heard.push(position));
    await Promise.all([...birthOf(1), ...birthOf(2)].map((event) => first.apply(event)));
    assert.deepEqual(heard, [1, 2, 3, 4, 5, 6, 7, 8]);
    const page = await first.changesSince(5, 2);
    assert.deepEqual(page.kind === "changes" && page.changes.map(({ position, event }) => [position, event.kind]), [
      [6, "orderIssued"],
      [7, "orderTaken"],
    ]);
    assert.deepEqual(await first.changesSince(8, 10), { kind: "changes", changes: [] });
    assert.deepEqual(await first.changesSince(9, 10), { kind: "tooOld", oldest: 1 });
    await first[Symbol.asyncDispose]();
    if (!keeps) return;
    await using again = await open(stillClock());
    assert.equal(again.position(), 8);
    await again.apply(asks(1));
    assert.equal(again.position(), 9);
  });

  test("a document that is replaced on a condition: of writers at the same moment one succeeds, and it is kept", async () => {
    const clock = stillClock();
    const { keeps, open } = place();
    const first = await open(clock);
    const now = () => first.documents("tokenUse").find(({ key }) => key === "t1")?.document;
    const replace = (document: { readonly atMs: number }, before: unknown) =>
      first.replaceDocument({ kind: "tokenUse", key: "t1", document, onlyIf: (held) => held === before });
    const both = await Promise.all([replace({ atMs: 1 }, undefined), replace({ atMs: 2 }, undefined)]);
    assert.deepEqual([...both, now()], ["written", "overtaken", { atMs: 1 }]);
    assert.equal(await replace({ atMs: 3 }, { atMs: 1 }), "overtaken", "not the one that is there");
    assert.equal(await replace({ atMs: 3 }, now()), "written");
    await first[Symbol.asyncDispose]();
    if (!keeps) return;
    await using store = await open(clock);
    assert.deepEqual(
      store.documents("tokenUse").map(({ document }) => document),
      [{ atMs: 3 }],
    );
  });

  test("what was erased outlives the machine's record, and the text that was signed stays byte for byte", async () => {
    const clock = stillClock();
    const { keeps, open } = place();
    const first = await open(clock);
    const machine = machineIdFromMac(testMac(1));
    for (const event of birthOf(1)) await first.apply(event);
    const erasure = {
      ...{ machine, generation: 1, bootId: "b", path: "/dev/sda", serial: "S", wwn: "", atMs: 1 },
      statement: '{"birtherErasure":1,"disk":{"model":"größer\\u2028 \\"x\\"  0.10"}}',
      signature: { value: "AA==", authority: "AA:BB" },
    };
    await first.putDocument({ kind: "erasure", key: "e1", document: erasure });
    await first.apply({ kind: "retired", id: machine, by: "ann" });
    assert.deepEqual(
      first.documents("erasure").map(({ document }) => document),
      [erasure],
    );
    await first[Symbol.asyncDispose]();
    if (!keeps) return;
    await using store = await open(clock);
    assert.deepEqual(
      store.documents("erasure").map(({ document }) => document),
      [erasure],
    );
  });

  test("the audit shows who did what, and the facts before and after, without hashes of secrets", async () => {
    const clock = stillClock();
    const { keeps, open } = place();
    const first = await open(clock);
    const id = machineIdFromMac(testMac(1));
    for (const event of birthOf(1)) await first.apply(event);
    const inOne = { id: "q-1", from: "local", reason: "why" };
    await inRequest(inOne, () => first.apply({ kind: "rebirthAsked", id, by: "bob" }));
    clock.pass(1000);
    await first.apply({ kind: "conditionSet", id, condition: "hold", reason: "r" }, { by: "ann" });
    await first.putDocument({ kind: "token", key: "t1", document: storedToken("admin"), by: "ann" });
    await first.putDocument({ kind: "token", key: "t2", document: storedToken("viewer") });
    await first.dropDocument({ kind: "token", key: "t1", by: "bob" });
    assert.deepEqual(
      first.documents("token").map(({ key, document }) => [key, document]),
      [["t2", storedToken("viewer")]],
    );
    await first[Symbol.asyncDispose]();
    if (!keeps) return;
    await using store = await open(clock);
    const all = await store.audit({ limit: 10 });
    assert.deepEqual(
      all.map(({ position, by, action, subject }) => [position, by, action, subject]),
      [
        [9, "bob", "drop token", "t1"],
        [7, "ann", "put token", "t1"],
        [6, "ann", "conditionSet", id],
        [5, "bob", "rebirthAsked", id],
      ],
    );
    assert.deepEqual(all[0]?.before, { role: "admin", createdAtMs: 1, createdBy: "ann" });
    assert.equal(all[0]?.after, undefined);
    const [, , held, asked] = all;
    assert.deepEqual([held?.atMs, asked?.atMs], [1_001_000, 1_000_000]);
    assert.match(JSON.stringify(asked?.before), /"state":"healthy"/);
    assert.match(JSON.stringify(asked?.after), /"state":"rebirth"/);
    assert.doesNotMatch(JSON.stringify(asked?.after), /"macs"/, "only what changed");
    assert.doesNotMatch(JSON.stringify(all), /sub1|t1\.1|"secret"/);
    const positionsOf = async (query: Parameters<typeof store.audit>[0]) =>
      (await store.audit(query)).map(({ position }) => position);
    assert.deepEqual(await positionsOf({ request: "q-1", limit: 9 }), [5]);
    assert.deepEqual(await positionsOf({ request: "q-1", subject: id, limit: 9 }), [5]);
    assert.deepEqual(await positionsOf({ request: "q-1", subject: "t1", limit: 9 }), []);
    assert.deepEqual(await positionsOf({ request: "' OR 1=1", limit: 9 }), []);
    assert.deepEqual(all[3]?.request, inOne);
    assert.deepEqual(
      (await store.audit({ subject: id, limit: 1 })).map(({ position }) => position),
      [6],
    );
    assert.deepEqual(
      (await store.audit({ beforePosition: 7, limit: 1 })).map(({ position }) => position),
      [6],
    );
  });

  test("an act that changes neither machine nor document is in the audit, and does not disturb the feed", async () => {
    const clock = stillClock();
    const { keeps, open } = place();
    const first = await open(clock);
    const imported = { action: "import image", subject: "compute/3", by: "uid:olga" } as const;
    await inRequest({ id: "q-7", from: "local", reason: "fixes" }, () =>
      Promise.all([
        first.recordAct({ ...imported, facts: { source: "/srv/c.tar", manifestSha512: "ab", tokenHash: "secret" } }),
        first.apply(asks(1)),
      ]),
    );
    const request = { id: "q-8", from: "local" };
    await first.recordAct({ ...imported, facts: {}, atMs: 5000, request });
    assert.equal(first.position(), 3);
    const page = await first.changesSince(0, 10);
    assert.deepEqual(page.kind === "changes" && page.changes.map(({ position }) => position), [2]);
    await first[Symbol.asyncDispose]();
    await assert.rejects(first.recordAct({ ...imported, facts: {} }), /the MDB is closed/);
    if (!keeps) return;
    await using store = await open(clock);
    assert.equal(store.position(), 3);
    const [second, one] = await store.audit({ subject: "compute/3", limit: 10 });
    const facts = { source: "/srv/c.tar", manifestSha512: "ab" };
    assert.deepEqual(one, {
      ...{ ...imported, position: 1, atMs: clock.nowMs(), after: facts },
      request: { id: "q-7", from: "local", reason: "fixes" },
    });
    assert.deepEqual([second?.position, second?.atMs, second?.request], [3, 5000, request]);
    assert.equal((await store.apply(asks(2))).kind, "changed");
  });

  test("when the clock jumps, the feed stays in order, used orders stay used, and expired ones can be replaced", async () => {
    const clock = stillClock();
    const { keeps, open } = place();
    const store = await open(clock);
    const id = machineIdFromMac(testMac(1));
    const [asked, issued, taken, healthy] = birthOf(1);
    if (!asked || issued?.kind !== "orderIssued" || taken?.kind !== "orderTaken" || !healthy) assert.fail();
    const yearMs = 365 * 86_400_000;
    await store.apply(asked);
    await store.apply({ ...issued, expiresAtMs: clock.nowMs() + 1000 });
    clock.pass(10 * yearMs);
    const late = await store.apply(taken);
    assert.equal(late.kind === "refused" && late.refusal.kind, "expiredToken");
    await store.apply({ ...issued, tokenHash: "new", expiresAtMs: clock.nowMs() + 1000 });
    clock.pass(-9 * yearMs);
    const early = await store.apply({ ...taken, tokenHash: "new" });
    assert.equal(early.kind === "refused" && early.refusal.kind, "expiredToken", "it would be valid for years");
    await store.apply({ ...issued, tokenHash: "newer", expiresAtMs: clock.nowMs() + 1000 });
    assert.equal((await store.apply({ ...taken, tokenHash: "newer" })).kind, "changed");
    assert.equal((await store.apply(healthy)).kind, "changed");
    clock.pass(-yearMs / 2);
    for (const event of [taken, { ...taken, tokenHash: "newer", bootId: "another" }]) {
      assert.equal((await store.apply(event)).kind, "refused", "nothing of it counts again");
    }
    assert.equal(store.get(id)?.state, "healthy");
    const history = await store.history(id, 10);
    assert.deepEqual(
      history.map(({ machine: { revision } }) => revision),
      [1, 2, 3, 4, 5, 6],
    );
    assert.ok((history[3]?.atMs ?? 0) < (history[2]?.atMs ?? 0), "as the clock said it");
    await store[Symbol.asyncDispose]();
    if (!keeps) return;
    await using again = await open(clock);
    assert.equal(again.position(), 6);
    assert.deepEqual(await again.history(id, 10), history);
  });
}

/**
 * Throws unless old changes of a machine go when its fleet has come far enough; `skipAhead` moves the feed of the closed
 * database to a position, as if others had written meanwhile.
 */
export async function checkPruning(
  open: () => Promise<Store & AsyncDisposable>,
  skipAhead: (position: number) => Promise<void>,
): Promise<void> {
  const id = machineIdFromMac(testMac(1));
  {
    await using store = await open();
    await Promise.all(Array.from({ length: 1250 }, () => store.apply(asks(1))));
    await Promise.all(Array.from({ length: 150 }, () => store.apply(asks(2))));
  }
  await skipAhead(300_000);
  await using store = await open();
  for (const n of [1, 2]) await Promise.all(Array.from({ length: 100 }, () => store.apply(asks(n))));
  assert.equal(store.position(), 300_200);
  // The look at revision 1300 or, when that batch held more, at its end: all but the last thousand are gone.
  const page = await store.changesSince(0, 10);
  assert.equal(page.kind, "tooOld");
  const oldest = page.kind === "tooOld" ? page.oldest : 0;
  assert.ok(oldest > 290 && oldest <= 352, `the feed begins at ${oldest}`);
  const kept = await store.changesSince(oldest - 1, 10_000);
  assert.equal(kept.kind === "changes" && kept.changes[0]?.position, oldest);
  assert.equal((await store.history(id, 1000)).length, 1000);
  const few = await store.history(machineIdFromMac(testMac(2)), 1000);
  assert.equal(few.length, 250, "of a machine with fewer than a thousand all are kept");
}
