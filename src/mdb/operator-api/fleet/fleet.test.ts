import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import * as v from "valibot";
import { fleetAnswer, summaryAnswer } from "../../../contract/operator/fleet-answers.ts";
import { openApp } from "../../testing/operator-app.ts";

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
});
