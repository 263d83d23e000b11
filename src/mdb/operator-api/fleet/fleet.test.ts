import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import * as v from "valibot";
import {
  burnInAnswer,
  fleetAnswer,
  fleetEventsAnswer,
  summaryAnswer,
} from "../../../contract/operator/answers/fleet.ts";
import type { PastChange } from "../../../core/ports.ts";
import { openApp } from "../../testing/operator-app.ts";
import { fleetEvents } from "./fleet-events.ts";

describe("the fleet as a whole", () => {
  test("columns: compressed where accepted, 304 while nothing changed, and of the shape in the description", async () => {
    await using app = await openApp(3);
    const plain = await app.ask("/v1/fleet");
    assert.equal(v.is(fleetAnswer, plain.json), true);
    assert.deepEqual(plain.json.name, ["r01u1", "r01u2", "r01u3"]);
    const etag = plain.headers.get("etag") ?? "";
    assert.equal((await app.ask("/v1/fleet", { headers: { "if-none-match": etag } })).status, 304);
    const answer = await app.app.request(
      "/v1/fleet",
      { headers: { "accept-encoding": "br, gzip" } },
      { listener: { kind: "socket", user: "root" } },
    );
    assert.equal(answer.headers.get("content-encoding"), "gzip");
    const whole = gunzipSync(await answer.arrayBuffer()).toString();
    assert.deepEqual(JSON.parse(whole), plain.json);
    const { id } = app.store.list()[0] ?? assert.fail();
    await app.store.apply({ kind: "conditionSet", id, condition: "hold", reason: "x" });
    const changed = await app.ask("/v1/fleet", { headers: { "if-none-match": etag } });
    assert.deepEqual([changed.status, changed.json.position], [200, plain.json.position + 1]);
  });

  test("those who ask for a newer position while columns are made share the next ones", async () => {
    await using app = await openApp(2);
    const { id } = app.store.list()[0] ?? assert.fail();
    const before = app.store.position();
    const early = app.ask("/v1/fleet");
    await app.store.apply({ kind: "conditionSet", id, condition: "hold", reason: "x" });
    const late = await Promise.all([app.ask("/v1/fleet"), app.ask("/v1/fleet")]);
    assert.ok((await early).json.position >= before);
    for (const { json } of late) assert.equal(json.position, before + 1);
  });

  test("the summary has the shape in the description", async () => {
    await using app = await openApp(3);
    const { json } = await app.ask("/v1/summary");
    assert.equal(v.is(summaryAnswer, json), true, JSON.stringify(json));
    assert.deepEqual([json.machines, json.statuses.arriving, json.racks.length], [3, 3, 1]);
  });

  for (const othersUpdate of [false, true])
    test(`each status selects as many machines as the summary counts (others update: ${othersUpdate})`, async () => {
      await using app = await openApp(5, 0, undefined, () => ({ othersUpdate }));
      const idOf = (name: string) => app.store.find(name)?.id ?? assert.fail();
      await app.store.apply({ kind: "conditionSet", id: idOf("r01u1"), condition: "hold", reason: "x" });
      await app.store.apply({ kind: "conditionSet", id: idOf("r01u2"), condition: "failing", reason: "x" });
      await app.store.apply({ kind: "retired", id: idOf("r01u3"), by: "test" });
      // Its image is in place: what comes then is another Dominator's.
      for (const name of ["r01u4", "r01u5"])
        await app.store.apply({ kind: "phaseSeen", id: idOf(name), phase: "rebooting" });
      const { statuses } = (await app.ask("/v1/summary")).json;
      assert.deepEqual([statuses.held, statuses.failing, statuses.retired], [1, 1, 1]);
      assert.equal(statuses[othersUpdate ? "up" : "arriving"], 2);
      for (const [status, count] of Object.entries(statuses)) {
        const { json } = await app.ask(`/v1/machines?where=status=${status}`);
        assert.equal(json.machines.length, count, status);
      }
      const held = { action: "cancel", select: { where: "status=held" }, dryRun: true };
      assert.equal((await app.ask("/v1/batch", { method: "POST", body: held })).json.results.length, 1);
    });

  test("events of the fleet: by position, by time, of a selection, in pages; one of the two beginnings is needed", async () => {
    await using app = await openApp(2);
    const positions = async (query: string) => {
      const { json } = await app.ask(`/v1/events?${query}`);
      assert.equal(v.is(fleetEventsAnswer, json), true, JSON.stringify(json));
      return [json.events.map(({ position }: { position: number }) => position), json.continue];
    };
    app.clock.pass(1000);
    const { id } = app.store.find("r01u2") ?? assert.fail();
    await app.store.apply({ kind: "conditionSet", id, condition: "hold", reason: "x" });
    assert.deepEqual(await positions("since=0"), [[1, 2, 3, 4, 5, 6, 7, 8, 9], undefined]);
    assert.deepEqual(await positions("since=0&limit=4"), [[1, 2, 3, 4], 4]);
    assert.deepEqual(await positions(`sinceMs=${app.clock.nowMs()}`), [[9], undefined]);
    assert.deepEqual(await positions(`sinceMs=${app.clock.nowMs() + 1}`), [[], undefined]);
    assert.deepEqual(await positions("sinceMs=0&where=hostname=r01u2"), [[5, 6, 7, 8, 9], undefined]);
    for (const wrong of ["", "since=1&sinceMs=1", "since=x"])
      assert.equal((await app.ask(`/v1/events?${wrong}`)).status, 400, wrong);
  });

  test("a time among thousands of changes is found, also where the oldest are forgotten", async () => {
    const atMs = (position: number) => Math.floor(position / 3) * 10;
    const oldest = 100;
    const machine = { id: "m-1", revision: 1, state: "birth", generation: 1, conditions: [] };
    const change = (position: number) =>
      ({ position, atMs: atMs(position), machine, event: { kind: "resumed", id: "m-1" } }) as unknown as PastChange;
    let reads = 0;
    const store = {
      position: () => 5000,
      get: () => undefined,
      changesSince: async (since: number, limit: number) => {
        reads += 1;
        if (since < oldest - 1) return { kind: "tooOld" as const, oldest };
        const count = Math.max(0, Math.min(limit, 5000 - since));
        return { kind: "changes" as const, changes: Array.from({ length: count }, (_, n) => change(since + 1 + n)) };
      },
    };
    for (const sinceMs of [0, atMs(100), atMs(101), 5005, atMs(4999), atMs(5000), 99_999]) {
      const wanted = Array.from({ length: 4901 }, (_, n) => n + oldest).filter((position) => atMs(position) >= sinceMs);
      const { events, incomplete } = await fleetEvents({ store, othersUpdate: false }, { sinceMs, limit: 5000 });
      assert.deepEqual(
        events.map(({ position }) => position),
        wanted,
        `from ${sinceMs} on`,
      );
      assert.equal(incomplete === true, sinceMs <= atMs(oldest));
    }
    assert.ok(reads < 7 * (20 + 11), `${reads} reads`);
  });

  test("burn-in figures of a selection have the shape in the description", async () => {
    await using app = await openApp(1);
    const { json } = await app.ask("/v1/burn-in?where=state=healthy");
    assert.equal(v.is(burnInAnswer, json), true);
  });
});
