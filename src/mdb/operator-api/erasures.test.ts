import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as v from "valibot";
import { erasuresAnswer } from "../../contract/operator/answers/erasure.ts";
import type { ErasureStatement } from "../../core/erasure/erasure.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { openApp } from "../testing/operator-app.ts";

const machine = (n: number) => `m-52540012340${n}` as MachineId;

function statement(n: number): ErasureStatement {
  return {
    ...{ birtherErasure: 1, id: `e${n}`, machine: { id: machine(n) }, action: "clean", generation: 2 },
    disk: { path: "/dev/sda", serial: `S${n}`, wwn: `naa.${n}`, model: "M", sizeBytes: 1000 },
    ...{ outcome: { kind: "keysDestroyed" }, steps: [], reportedAt: "2026-11-30T09:00:00.000Z" },
  };
}

type Site = Awaited<ReturnType<typeof openApp>>;

async function keep({ store }: Site, n: number, text = JSON.stringify(statement(n))): Promise<void> {
  const { disk } = statement(n);
  const { path, serial, wwn } = disk;
  const about = { machine: machine(n), generation: 2, bootId: "b", path, serial, wwn, atMs: n * 1000 };
  const signature = { value: "AA==", authority: "AA:BB" };
  await store.putDocument({ kind: "erasure", key: `e${n}`, document: { ...about, statement: text, signature } });
}

async function idsFor(site: Site, query: string): Promise<readonly string[]> {
  const { status, json } = await site.ask(`/v1/erasures${query}`);
  assert.equal(status, 200, JSON.stringify(json));
  return v.parse(erasuresAnswer, json).erasures.map(({ id }) => id);
}

describe("GET /v1/erasures", () => {
  test("newest first, also of machines that no record knows: by serial number or WWN, machine and time", async () => {
    await using site = await openApp(1);
    for (const n of [1, 2, 3, 4]) await keep(site, n);
    assert.deepEqual(await idsFor(site, ""), ["e4", "e3", "e2", "e1"]);
    assert.deepEqual(await idsFor(site, "?serial=s2"), ["e2"]);
    assert.deepEqual(await idsFor(site, "?serial=NAA.3"), ["e3"]);
    assert.deepEqual(await idsFor(site, "?serial=S"), [], "a part of a serial number names no disk");
    assert.deepEqual(await idsFor(site, `?machine=${machine(4)}`), ["e4"]);
    assert.deepEqual(await idsFor(site, "?sinceMs=3000"), ["e4", "e3"]);
  });

  test("pages, one after the other, with an erasure that was reported again", async () => {
    await using site = await openApp(1);
    for (const n of [1, 2, 3, 4, 1]) await keep(site, n);
    const first = (await site.ask("/v1/erasures?limit=3")).json;
    assert.deepEqual(
      first.erasures.map(({ id }: { id: string }) => id),
      ["e1", "e4", "e3"],
    );
    assert.deepEqual(await idsFor(site, `?limit=3&before=${first.before}`), ["e2"]);
  });

  test("one by its id, with the text that was signed; none is a refusal that says where ids are", async () => {
    await using site = await openApp(1);
    await keep(site, 1);
    const { json } = await site.ask("/v1/erasures/e1");
    assert.deepEqual(JSON.parse(json.statement), statement(1));
    assert.deepEqual(json.facts, statement(1));
    assert.deepEqual(json.signature, { value: "AA==", authority: "AA:BB" });
    const none = await site.ask("/v1/erasures/e9");
    assert.deepEqual([none.status, none.json.next], [404, "to list the ids, run birther erasures"]);
  });

  test("a statement of a newer server is passed on as it is", async () => {
    await using site = await openApp(1);
    await keep(site, 1, '{"birtherErasure":2}');
    await keep(site, 2, "not JSON");
    const { json } = await site.ask("/v1/erasures");
    assert.deepEqual(
      json.erasures.map(({ facts, statement }: { facts: unknown; statement: string }) => [facts, statement]),
      [
        [undefined, "not JSON"],
        [undefined, '{"birtherErasure":2}'],
      ],
    );
  });
});
