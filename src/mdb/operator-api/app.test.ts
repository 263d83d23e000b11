import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import * as v from "valibot";
import { runs } from "../../../tests/support/runs.ts";
import type { Route } from "../../contract/operator/routes/route.ts";
import { type OperatorRoute, operatorRoutes } from "../../contract/operator/routes.ts";
import { problem } from "../../contract/problem.ts";
import { ip } from "../../core/net/testing/addresses.ts";
import { roles } from "../../core/role.ts";
import { asks } from "../testing/fleet.ts";
import { openApp, outside } from "../testing/operator-app.ts";
import type { Listener } from "./caller/authenticate.ts";
import { attemptLimit } from "./caller/failed-attempts.ts";

/** Routes that need a query. */
const queryPaths: { readonly [route: string]: string } = {
  fleetEvents: "/v1/events?since=0",
  image: "/v1/streams/compute/image?version=1",
  difference: "/v1/streams/compute/difference?version=1&from=compute/1",
};
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
        // It takes a token or a link, and only from the dashboard's own page.
        if (name === "openSession") assert.ok([403, 422].includes(status), name);
        else if (role === "anyone") assert.ok([200, 503].includes(status), name);
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
    const { id: machine } = site.store.find("r01u1") ?? assert.fail();
    const erased = {
      ...{ machine, generation: 1, bootId: "b", path: "/dev/sda" },
      ...{ serial: "S", wwn: "", atMs: 1 },
    };
    await site.store.putDocument({ kind: "erasure", key: "r01u1", document: { ...erased, statement: "{}" } });
    for (const [name, { method, path, answer, answerType = "application/json" }] of routes) {
      if (method !== "GET" || answerType !== "application/json") continue;
      const { status, json } = await site.ask(queryPaths[name] ?? pathOf(path, "r01u1"));
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
