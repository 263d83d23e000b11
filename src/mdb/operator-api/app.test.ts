import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import * as v from "valibot";
import { runs } from "../../../tests/support/runs.ts";
import { problem } from "../../contract/machine-facing.ts";
import type { BatchAnswer } from "../../contract/operator/answers.ts";
import type { Route } from "../../contract/operator/routes/route.ts";
import { type OperatorRoute, operatorRoutes } from "../../contract/operator/routes.ts";
import { ip } from "../../core/net/testing/addresses.ts";
import type { Store } from "../../core/ports.ts";
import { roles } from "../../core/role.ts";
import { asks, testMac } from "../testing/fleet.ts";
import { openApp, outside } from "../testing/operator-app.ts";
import type { Listener } from "./caller/authenticate.ts";
import { attemptLimit } from "./caller/failed-attempts.ts";

const routes = Object.entries(operatorRoutes) as [OperatorRoute, Route][];

/** The path of a route for a machine or token of this name. */
const pathOf = (path: string, name: string) => path.replace(":name", name);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe("authorization", () => {
  test("without a token only the public routes answer, and nothing is written", async () => {
    await using site = await openApp(1);
    const before = site.store.position();
    for (const [name, { method, path, role }] of routes) {
      for (const headers of [{}, bearer(`birther.nobody.${"0".repeat(64)}`), { authorization: "Basic cm9vdDpyb290" }]) {
        const listener: Listener = { kind: "tls", client: `192.0.2.${name.length} ${name}` };
        const { status, json } = await site.ask(pathOf(path, "r01u1"), { method, headers, listener });
        if (role === "anyone") assert.ok([200, 503].includes(status), name);
        else assert.deepEqual([status, v.is(problem, json)], [401, true], `${name} ${status}`);
      }
    }
    assert.equal(site.store.position(), before);
  });

  test("a request from outside both listeners has no caller, whatever token it presents", async () => {
    await using site = await openApp(1);
    const made = await site.tokens.create({ name: "root", role: "admin", by: "test" });
    assert.ok(made.kind === "created");
    const answer = await site.app.request("/v1/machines", { headers: bearer(made.token) });
    assert.equal(answer.status, 401);
  });

  test("each role may do what its rank permits, on every route", async () => {
    await using site = await openApp(1);
    for (const role of roles) {
      const made = await site.tokens.create({ name: role, role, by: "test" });
      assert.ok(made.kind === "created");
      for (const [name, route] of routes) {
        // It would not end.
        if (route.answerType === "text/event-stream") continue;
        const { method, path } = route;
        const asking = { method, headers: bearer(made.token), listener: outside };
        const { status, json } = await site.ask(pathOf(path, "none"), asking);
        const allowed = route.role === "anyone" || roles.indexOf(role) >= roles.indexOf(route.role);
        assert.equal(status === 403, !allowed, `${role} ${name}: ${status} ${JSON.stringify(json)}`);
        if (!allowed)
          assert.match(json.detail, new RegExp(`expected the role ${route.role}, found ${role} \\(${role}\\)`));
      }
    }
  });

  test("a token is shown once and stored as a hash, and is in no log or audit; it can expire and be revoked", async () => {
    await using site = await openApp(1);
    const body = { name: "grafana", role: "viewer", expiresSeconds: 3600 };
    const made = await site.post("/v1/tokens", body);
    assert.equal(made.status, 201);
    const token: string = made.json.token;
    assert.match(token, /^birther\.grafana\.[0-9a-f]{64}$/);
    const secret = token.split(".")[2] ?? assert.fail();
    assert.equal((await site.post("/v1/tokens", body)).status, 409);
    const seen = () => site.ask("/v1/status", { headers: bearer(token), listener: outside });
    assert.equal((await seen()).status, 200);
    const [view] = (await site.ask("/v1/tokens")).json.tokens;
    assert.deepEqual([view.name, view.role, view.createdBy], ["grafana", "viewer", "uid:root"]);
    site.clock.pass(3_600_000);
    assert.match((await seen()).json.detail, /the token of grafana expired at/);
    assert.equal((await site.ask("/v1/tokens/grafana", { method: "DELETE" })).status, 200);
    assert.equal((await site.ask("/v1/tokens/grafana", { method: "DELETE" })).status, 404);
    assert.match((await seen()).json.detail, /invalid or revoked token/);
    const audit = (await site.ask("/v1/audit?about=grafana")).json;
    assert.deepEqual(
      audit.entries.map(({ action, by }: { action: string; by: string }) => `${action} ${by}`),
      ["drop token uid:root", "put token uid:root"],
    );
    const documents = JSON.stringify(site.store.documents("token"));
    for (const text of [JSON.stringify(audit), documents, site.lines.join("\n")]) assert.ok(!text.includes(secret));
    assert.ok(!JSON.stringify(audit).includes("Hash"));
  });

  test("the use of a token during its revocation does not restore it; a new token of that name starts unused", async () => {
    await using site = await openApp(0);
    const first = await site.tokens.create({ name: "ci", role: "operator", by: "test" });
    assert.ok(first.kind === "created");
    const revoked = site.tokens.revoke("ci", "test");
    assert.equal(site.tokens.prove(`Bearer ${first.token}`).kind, "known");
    await revoked;
    assert.equal(site.tokens.prove(`Bearer ${first.token}`).kind, "unknown");
    site.clock.pass(1000);
    const second = await site.tokens.create({ name: "ci", role: "viewer", by: "test" });
    assert.ok(second.kind === "created");
    assert.deepEqual(site.tokens.list(), [second.view]);
    assert.equal(second.view.lastUsedAtMs, undefined);
  });

  test("after ten invalid tokens a client must wait; valid tokens and the socket are not affected", async () => {
    await using site = await openApp(0);
    const made = await site.tokens.create({ name: "good", role: "viewer", by: "test" });
    assert.ok(made.kind === "created");
    const wrong = { headers: bearer(`birther.good.${"f".repeat(64)}`), listener: outside };
    for (let n = 0; n < attemptLimit; n += 1) assert.equal((await site.ask("/v1/status", wrong)).status, 401);
    const refused = await site.ask("/v1/status", wrong);
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [429, "60"]);
    const proved = await site.ask("/v1/status", { ...wrong, headers: bearer(made.token) });
    assert.equal(proved.status, 200, "a valid token is served, whatever others at that address present");
    const other: Listener = { kind: "tls", client: "192.0.2.2" };
    assert.equal((await site.ask("/v1/status", { headers: bearer(made.token), listener: other })).status, 200);
    assert.equal((await site.ask("/v1/status")).status, 200);
    site.clock.pass(60_000);
    assert.equal((await site.ask("/v1/status", { headers: bearer(made.token), listener: outside })).status, 200);
  });
});

describe("reading", () => {
  test("pages show each machine once, even if machines change between pages", async () => {
    await using site = await openApp(25);
    const seen: string[] = [];
    let more = "";
    for (let page = 0; page < 10; page += 1) {
      const { json } = await site.ask(`/v1/machines?limit=7&fields=state${more}`);
      seen.push(...json.machines.map(({ id }: { id: string }) => id));
      // Newcomers on both sides of the page, and changes of those that were shown.
      await site.store.apply(asks(40 + page));
      await site.store.apply(asks(1));
      if (json.continue === undefined) break;
      more = `&continue=${json.continue}`;
    }
    assert.equal(new Set(seen).size, seen.length);
    const born = site.store.list().filter(({ state }) => state === "healthy");
    for (const { id } of born) assert.ok(seen.includes(id), id);
  });

  test("selectors and fields; an invalid one is refused with its position and what was expected", async () => {
    await using site = await openApp(3, 2);
    const names = async (query: string) =>
      (await site.ask(`/v1/machines?fields=hostname&${query}`)).json.machines.map(
        (one: { hostname: string }) => one.hostname,
      );
    assert.deepEqual(await names("where=group%3Dweb"), ["r01u1", "r01u2"]);
    assert.deepEqual(await names("where=!group"), ["r01u3"]);
    assert.deepEqual(await names("where=hostname+in+(r01u2,r01u3),switch%3Dtor-1"), ["r01u2", "r01u3"]);
    const rows: [string, RegExp][] = [
      ["where=state", /^$/],
      ["where=colour%3Dred", /where: expected one of the fields id, hostname.*, found colour/],
      ["where=state%3Dhelthy", /where: state: expected one of unknown, birth.*, found helthy/],
      ["labels=", /labels: expected key=value.*, found nothing/],
      ["fields=hostname,colour", /fields\.1: expected some of id, revision/],
      ["limit=0", /limit: expected at least 1/],
      ["continue=%21", /continue: expected/],
      ["sort=name", /sort: unknown key/],
    ];
    for (const [query, detail] of rows) {
      const { status, json } = await site.ask(`/v1/machines?${query}`);
      assert.equal(status, detail.source === "^$" ? 200 : 400, query);
      if (status !== 200) assert.match(json.detail, detail);
    }
  });

  test("every answer matches its schema", async () => {
    await using site = await openApp(2, 1);
    await site.store.apply(asks(9, ip("10.77.0.50")));
    await site.post("/v1/tokens", { name: "a", role: "viewer" });
    await site.post("/v1/batch", { action: "clean", select: { names: ["r01u1", "r01u2"] } });
    for (const [name, { method, path, answer, answerType = "application/json" }] of routes) {
      if (method !== "GET" || answerType !== "application/json") continue;
      const { status, json } = await site.ask(pathOf(path, "r01u1"));
      const read = v.safeParse(answer, json);
      assert.ok(read.success, `${name}: ${read.success ? "" : v.summarize(read.issues)}`);
      assert.ok(status === 200 || name === "ready", name);
    }
    const dry = await site.post("/v1/batch", { action: "rebirth", dryRun: true, select: { where: "state!=birth" } });
    assert.ok(v.is(operatorRoutes.batch.answer, dry.json));
  });
});

describe("requests", () => {
  test("invalid requests: 404, 405, 406, 413, 415, 428, 412", async () => {
    await using site = await openApp(1);
    const patch = (headers: { [name: string]: string }) =>
      site.ask("/v1/machines/r01u1", { method: "PATCH", body: { groups: ["a"] }, headers });
    const merge = { "content-type": "application/merge-patch+json" };
    const { headers } = await site.ask("/v1/machines/r01u1");
    const etag = headers.get("etag") ?? assert.fail();
    assert.equal((await site.ask("/v1/machine")).status, 404);
    const wrongMethod = await site.ask("/v1/machines/r01u1", { method: "PUT" });
    assert.deepEqual([wrongMethod.status, wrongMethod.headers.get("allow")], [405, "GET, PATCH"]);
    assert.equal((await site.ask("/v1/machines", { headers: { accept: "text/html" } })).status, 406);
    assert.equal((await site.ask("/v1/machines", { headers: { accept: "text/html, */*;q=0.1" } })).status, 200);
    assert.equal(
      (await site.post("/v1/batch", "x".repeat(2_000_000), { headers: { "content-length": "2000000" } })).status,
      413,
    );
    assert.equal((await patch({ "content-type": "application/json", "if-match": etag })).status, 415);
    assert.equal((await patch(merge)).status, 428);
    assert.equal((await patch({ ...merge, "if-match": '"1"' })).status, 412);
    const changed = await patch({ ...merge, "if-match": etag });
    assert.deepEqual([changed.status, changed.json.groups], [200, ["a"]]);
    assert.notEqual(changed.headers.get("etag"), etag);
    assert.equal((await patch({ ...merge, "if-match": etag })).status, 412);
    assert.equal((await patch({ ...merge, "if-match": "*" })).status, 200);
  });

  test("merge patch: null removes a value, absent keys stay unchanged", async () => {
    await using site = await openApp(1);
    const patch = async (body: unknown) => {
      const headers = { "content-type": "application/merge-patch+json", "if-match": "*" };
      const { status, json } = await site.ask("/v1/machines/r01u1", { method: "PATCH", body, headers });
      assert.equal(status, 200, JSON.stringify(json));
      return json;
    };
    await patch({ tags: { role: "web", site: "a" }, plannedImage: "compute", disableUpdates: true });
    const after = await patch({ tags: { role: null, rack: "7" }, plannedImage: null });
    assert.deepEqual(
      [after.tags, after.plannedImage, after.disableUpdates],
      [{ site: "a", rack: "7" }, undefined, true],
    );
  });

  test("any query and any body on any route get an answer, never a 5xx", async () => {
    await using site = await openApp(2);
    const bodies = routes.filter(([, { body }]) => body !== undefined);
    const key = fc.constantFrom(
      ...[
        "names",
        "select",
        "labels",
        "where",
        "action",
        "dryRun",
        "override",
        "reason",
        "macs",
        "place",
        "hostname",
        "tags",
      ],
      ...["groups", "requiredImage", "name", "role", "expiresSeconds", "from", "__proto__", "constructor"],
    );
    const leaf = fc.oneof(
      fc.constantFrom("rebirth", "r01u1", "state=healthy", "02:00:00:00:00:99", "compute"),
      fc.jsonValue(),
    );
    const document = fc.dictionary(key, fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), fc.dictionary(key, leaf)));
    const query = fc.dictionary(
      fc.constantFrom("labels", "where", "fields", "limit", "continue", "about", "before", "since", "table", "x"),
      fc.oneof(fc.string(), fc.constantFrom("1", "state=birth", "AAAA")),
    );
    const headers = { "if-match": "*" };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...bodies), fc.oneof(document, fc.jsonValue()), async ([, route], body) => {
        const { method, path, bodyType = "application/json" } = route;
        const text = JSON.stringify(body);
        const typed = { ...headers, "content-type": bodyType };
        const { status, json } = await site.ask(pathOf(path, "r01u1"), { method, body: text, headers: typed });
        assert.ok(status < 500, `${path} ${text}: ${JSON.stringify(json)}`);
        if (status >= 400) assert.ok(v.is(problem, json) && json.next !== "");
      }),
      { numRuns: runs(500) },
    );
    const plain = routes.filter(([, { method, answerType }]) => method === "GET" && answerType === undefined);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...plain), query, fc.string(), async ([name, { path }], wanted, machine) => {
        const url = `${pathOf(path, encodeURIComponent(machine) || "x")}?${new URLSearchParams(wanted)}`;
        const { status } = await site.ask(url);
        assert.ok(status < 500 || (name === "ready" && status === 503), `${url} ${status}`);
      }),
      { numRuns: runs(500) },
    );
    assert.deepEqual(
      site.lines.filter((line) => line.includes("request failed")),
      [],
    );
  });
});

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
