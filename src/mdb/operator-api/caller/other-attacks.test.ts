import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openApp } from "../../testing/operator-app.ts";
import type { Listener } from "./authenticate.ts";

const listener: Listener = { kind: "tls", client: "192.0.2.1" };
const host = "mdb.example:8443";
const own = { "sec-fetch-site": "same-origin", "birther-dashboard": "1", host };
type Given = { readonly [name: string]: string };

/** An app with one machine, an admin's session and a viewer's token. */
async function openSite() {
  const site = await openApp(1);
  const tokenOf = async (name: string, role: "admin" | "viewer") => {
    const made = await site.tokens.create({ name, role, by: "test" });
    return made.kind === "created" ? made.token : assert.fail();
  };
  const viewer = await tokenOf("guest", "viewer");
  const token = await tokenOf("olga", "admin");
  const opened = await site.ask("/v1/session", { method: "POST", body: { token }, headers: own, listener });
  const cookie = /^[^;]+/.exec(opened.headers.get("set-cookie") ?? "")?.[0] ?? "";
  const send = (path: string, init: { method?: string; body?: unknown; headers?: Given } = {}) =>
    site.ask(path, { ...init, listener, headers: { ...own, cookie, ...init.headers } });
  return { ...site, viewer, send, [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() };
}

describe("attacks on a session of other kinds", () => {
  test("no answer allows another origin to read it, whatever a preflight asks for", async () => {
    await using site = await openSite();
    for (const [method, path] of [
      ["OPTIONS", "/v1/machines"],
      ["GET", "/v1/machines"],
      ["OPTIONS", "/v1/session"],
    ] as const) {
      const headers = {
        ...{ origin: "https://evil.example", "access-control-request-method": "POST" },
        "access-control-request-headers": "birther-dashboard, content-type",
      };
      const answer = await site.send(path, { method, headers });
      assert.ok(answer.status >= 400, `${method} ${path}: ${answer.status}`);
      const allowed = [...answer.headers.keys()].filter((name) => name.startsWith("access-control-"));
      assert.deepEqual(allowed, []);
    }
  });

  test("a method in a header or a query is none: a read stays a read", async () => {
    await using site = await openSite();
    const before = site.store.position();
    const tricks: readonly (readonly [string, Given])[] = [
      ["/v1/machines/r01u1", { "x-http-method-override": "PATCH" }],
      ["/v1/machines/r01u1", { "x-http-method": "DELETE", "x-method-override": "DELETE" }],
      ["/v1/machines/r01u1?_method=DELETE", {}],
      ["/v1/tokens/guest", { "x-http-method-override": "DELETE" }],
    ];
    for (const [path, headers] of tricks) await site.send(path, { headers });
    assert.equal(site.store.position(), before);
    assert.equal(site.tokens.list().length, 2);
  });

  test("a path written otherwise reaches no route that its caller may not use", async () => {
    await using site = await openSite();
    const headers = { authorization: `Bearer ${site.viewer}` };
    for (const path of [
      "/v1/machines/../tokens",
      "/v1/machines/%2e%2e/tokens",
      "/v1//tokens",
      "/v1/tokens/",
      "/V1/TOKENS",
      "/v1/tokens;a=b",
      "/v1/tokens%2f",
      "/v1/%74okens",
    ]) {
      const { status, json } = await site.send(path, { headers });
      assert.ok(status === 403 || status === 404, `${path}: ${status}`);
      assert.ok(!JSON.stringify(json).includes("olga"), path);
    }
  });

  test("a token counts before a cookie: a viewer's does not become an admin's beside an admin's session", async () => {
    await using site = await openSite();
    const headers = { authorization: `Bearer ${site.viewer}` };
    assert.equal((await site.send("/v1/tokens", { headers })).status, 403);
    assert.equal((await site.send("/v1/tokens", { headers: { authorization: "Bearer x" } })).status, 401);
    assert.equal((await site.send("/v1/tokens")).status, 200);
  });

  test("a body that a form could send is refused, and keys of prototypes are unknown keys", async () => {
    await using site = await openSite();
    const hold = (body: unknown, headers: Given = {}) =>
      site.send("/v1/machines/r01u1/hold", { method: "POST", body, headers });
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
      assert.equal((await hold('{"reason":"x"}', { "content-type": type })).status, 415, type);
    for (const body of [
      '{"reason":"x","__proto__":{"role":"admin"}}',
      '{"reason":"x","constructor":{"prototype":{}}}',
      '{"__proto__":{"reason":"x"}}',
    ])
      assert.ok([400, 422].includes((await hold(body)).status), body);
    assert.deepEqual(site.store.find("r01u1")?.conditions, []);
    assert.equal(Object.hasOwn(Object.prototype, "role"), false);
  });

  test("a reason is text of one line, and not without end", async () => {
    await using site = await openSite();
    const hold = (reason: string) =>
      site.send("/v1/machines/r01u1/cancel", { method: "POST", body: {}, headers: { "birther-reason": reason } });
    for (const wrong of ["%", "%ff", "%e0%80%80", "x".repeat(501)])
      assert.equal((await hold(wrong)).status, 400, wrong.slice(0, 9));
    await site.ask("/v1/machines/r01u1/rebirth", { method: "POST", body: {} });
    await hold(encodeURIComponent("a\r\nset-cookie: x=y\u001b[2J\u202e<b>"));
    const [entry] = (await site.ask("/v1/audit?about=r01u1&limit=1")).json.entries;
    assert.equal(entry.request.reason, "a\ufffd\ufffdset-cookie: x=y\ufffd[2J\ufffd<b>");
  });
});
