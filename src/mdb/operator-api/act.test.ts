import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as v from "valibot";
import { type AuditAnswer, auditAnswer } from "../../contract/operator/answers/audit.ts";
import type { BatchAnswer } from "../../contract/operator/answers/batch.ts";
import { problem } from "../../contract/problem.ts";
import type { Store } from "../../core/ports.ts";
import { testMac } from "../testing/fleet.ts";
import { openApp } from "../testing/operator-app.ts";

describe("many machines at once", () => {
  const states = (store: Store) => store.list().filter(({ state }) => state === "rebirth").length;

  test("at most as many machines of a group per hour as the blast radius allows; an override is recorded", async () => {
    await using site = await openApp(5, 3);
    const rebirth = (body: object) => site.post("/v1/batch", { action: "rebirth", ...body });
    const web = { select: { where: "group=web" } };
    const dry = await rebirth({ ...web, dryRun: true });
    assert.deepEqual(dry.json.beyond, [{ group: "web", size: 3, limit: 2, sent: 0, asked: 3 }]);
    assert.equal(dry.json.results.length, 3);
    const refused = await rebirth(web);
    assert.deepEqual([refused.status, refused.json.kind, states(site.store)], [409, "beyondBlastRadius", 0]);
    assert.match(
      refused.json.detail,
      /expected at most 2 of the 3 machines of group web within .*, found 3 requested and 0 already sent/,
    );
    assert.equal((await rebirth({ select: { names: ["r01u1", "r01u2", "r01u4"] } })).status, 200);
    assert.equal((await site.post("/v1/machines/r01u3/clean", {})).status, 409);
    assert.equal((await site.post("/v1/machines/r01u1/clean", {})).status, 200, "it is away already");
    const overridden = await site.post("/v1/machines/r01u3/clean", { override: true });
    assert.deepEqual(overridden.json.sentAway, { atMs: site.clock.nowMs(), by: "uid:root", override: true });
    const [entry] = (await site.ask("/v1/audit?about=r01u3&limit=1")).json.entries;
    assert.deepEqual([entry.by, entry.action, entry.after.sentAway.override], ["uid:root", "cleanAsked", true]);
    site.clock.pass(3_600_000);
    assert.equal((await site.post("/v1/machines/r01u3/clean", {})).status, 200);
  });

  test("the audit names the request, where it came from, the machines and the reason, whatever was done", async () => {
    await using site = await openApp(2);
    const headers = { "birther-reason": encodeURIComponent("Umbau \u00fc\u202e") };
    const batch = { action: "cancel", select: { names: ["r01u1", "r01u2"] } };
    await site.post("/v1/batch", { action: "rebirth", override: true, select: batch.select });
    const cancelled = await site.ask("/v1/batch", { method: "POST", body: batch, headers });
    assert.equal(cancelled.status, 200);
    const id = cancelled.headers.get("birther-request");
    await site.post("/v1/machines/r01u1/hold", { reason: "of its body" });
    await site.ask("/v1/tokens", { method: "POST", body: { name: "eve", role: "viewer" }, headers });
    const { json } = await site.ask("/v1/audit?limit=4");
    assert.equal(v.is(auditAnswer, json), true);
    const reason = "Umbau \u00fc\ufffd";
    assert.deepEqual(
      json.entries.map(({ action, name, request }: AuditAnswer["entries"][number]) => [
        action,
        name,
        request?.from,
        request?.reason,
      ]),
      [
        ["put token", undefined, "local", reason],
        ["conditionSet", "r01u1", "local", "of its body"],
        ["rebirthCancelled", "r01u2", "local", reason],
        ["rebirthCancelled", "r01u1", "local", reason],
      ],
    );
    assert.deepEqual([json.entries[2].request.id, json.entries[3].request.id], [id, id]);
    for (const wrong of ["%", "x".repeat(501)])
      assert.equal(
        (await site.ask("/v1/batch", { method: "POST", body: batch, headers: { "birther-reason": wrong } })).status,
        400,
      );
  });

  test("of two simultaneous batches that exceed the limit together, one is refused", async () => {
    await using site = await openApp(4, 4);
    const batch = (...names: string[]) => site.post("/v1/batch", { action: "rebirth", select: { names } });
    // Whichever comes first, each other one asks for a machine more than the limit allows.
    const pairs = [
      ["r01u1", "r01u2"],
      ["r01u3", "r01u4"],
      ["r01u1", "r01u4"],
    ] as const;
    const outcomes = await Promise.all(pairs.map((pair) => batch(...pair)));
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), [200, 409, 409]);
    assert.equal(states(site.store), 2);
    const [taken = ""] = pairs[outcomes.findIndex(({ status }) => status === 200)] ?? [];
    const [left = ""] = ["r01u1", "r01u2", "r01u3", "r01u4"].filter(
      (name) => site.store.find(name)?.state !== "rebirth",
    );
    await site.post(`/v1/machines/${taken}/cancel`, {});
    assert.equal((await batch(left)).status, 200, "a rebirth that was taken back costs nothing");
  });

  test("a machine that refuses does not delay the others, and does not count", async () => {
    await using site = await openApp(3);
    await site.post("/v1/machines/r01u1/hold", { reason: "disk swap" });
    const { status, json } = await site.post("/v1/batch", { action: "rebirth", select: { where: "state=healthy" } });
    const { results } = json as BatchAnswer;
    assert.deepEqual([status, results.map(({ outcome }) => outcome)], [200, ["refused", "done", "done"]]);
    assert.equal(results[0]?.problem?.kind, "held");
  });

  test("a machine that accepts only after the batch was counted is not sent beyond the limit", async () => {
    await using site = await openApp(3);
    await site.post("/v1/machines/r01u3/hold", { reason: "disk swap" });
    const { apply } = site.store;
    let asked = 0;
    Object.assign(site.store, {
      apply: (...[event, options]: Parameters<Store["apply"]>) => {
        asked += 1;
        const { id } = site.store.find("r01u3") ?? assert.fail();
        if (asked === 1) void apply({ kind: "conditionCleared", id, condition: "hold" });
        return apply(event, options);
      },
    });
    const { json } = await site.post("/v1/batch", { action: "rebirth", select: { where: "state=healthy" } });
    const { results } = json as BatchAnswer;
    assert.deepEqual(
      results.map(({ outcome, problem }) => problem?.kind ?? outcome),
      ["done", "done", "changedMeanwhile"],
    );
    assert.deepEqual([states(site.store), site.store.find("r01u3")?.conditions], [2, []]);
  });

  test("when the database fails in the middle of a batch, the answer says how many machines were changed", async () => {
    await using site = await openApp(60);
    const { apply } = site.store;
    let asked = 0;
    Object.assign(site.store, {
      apply: async (...[event, options]: Parameters<Store["apply"]>) => {
        asked += 1;
        if (asked > 50) throw new Error("the disk is full");
        return await apply(event, options);
      },
    });
    const body = { action: "hold", reason: "move", select: { where: "state=healthy" } };
    const { status, json } = await site.post("/v1/batch", body);
    assert.deepEqual([status, json.kind, v.is(problem, json)], [500, "failed", true]);
    assert.match(json.detail, /^50 of 60 machines were changed, then the database failed/);
    assert.equal(site.store.list().filter(({ conditions }) => conditions.length > 0).length, 50);
    assert.match(site.lines.at(-1) ?? "", /a batch was carried out in part.*"changed":50,"machines":60/);
  });

  test("an empty selection is refused in every form; so is an unknown name", async () => {
    await using site = await openApp(1);
    const rows: [unknown, number][] = [
      [{}, 422],
      [{ names: [] }, 422],
      [{ labels: "" }, 422],
      [{ where: "" }, 422],
      [{ names: ["r01u1"], where: "state=healthy" }, 422],
      [{ where: "state=clean" }, 404],
      [{ names: ["r01u1", "r01u9"] }, 404],
      [undefined, 422],
    ];
    for (const [select, status] of rows) {
      const answer = await site.post("/v1/batch", { action: "hold", reason: "x", select });
      assert.equal(answer.status, status, JSON.stringify(select));
    }
    assert.equal(site.store.find("r01u1")?.conditions.length, 0);
  });

  test("a machine is announced once, by its MAC address", async () => {
    await using site = await openApp(0);
    const body = { macs: [testMac(7)], hostname: "db1", groups: ["data"], requiredImage: "compute" };
    const made = await site.post("/v1/machines", body);
    assert.deepEqual([made.status, made.headers.get("location")], [201, "/v1/machines/m-020000000007"]);
    assert.equal((await site.post("/v1/machines", body)).status, 409);
    assert.equal((await site.post("/v1/machines", { ...body, macs: ["x"] })).status, 422);
    assert.equal((await site.post("/v1/machines", { ...body, requiredImage: "gpu" })).status, 422);
    assert.equal((await site.post("/v1/machines", { hostname: "db2" })).status, 422);
  });
});
