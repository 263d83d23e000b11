import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Route } from "../../../contract/operator/routes/route.ts";
import { type OperatorRoute, operatorRoutes } from "../../../contract/operator/routes.ts";
import { openApp } from "../../testing/operator-app.ts";
import type { Listener } from "./authenticate.ts";
import { attemptLimit } from "./failed-attempts.ts";
import { idleMs, linkMs, longestMs, sessionsPerCaller } from "./sessions.ts";

const listener: Listener = { kind: "tls", client: "192.0.2.1" };
const own = { "sec-fetch-site": "same-origin", "birther-dashboard": "1", host: "mdb.example:8443" };
const host = "mdb.example:8443";

/** The app of some machines, and what a browser does with it. */
async function openSite(machines = 1) {
  const site = await openApp(machines);
  const made = await site.tokens.create({ name: "olga", role: "operator", by: "test" });
  const token = made.kind === "created" ? made.token : assert.fail();
  const open = (body: object, headers: { readonly [name: string]: string } = own) =>
    site.ask("/v1/session", { method: "POST", body, headers, listener });
  const cookieOf = (answer: { readonly headers: Headers }) =>
    /^[^;]+/.exec(answer.headers.get("set-cookie") ?? "")?.[0] ?? "";
  const logIn = async () => {
    const answer = await open({ token });
    assert.equal(answer.status, 201);
    return cookieOf(answer);
  };
  const askWith = (cookie: string, path = "/v1/status", more: object = {}) =>
    site.ask(path, { headers: { ...own, cookie }, listener, ...more });
  return { ...site, token, open, cookieOf, logIn, askWith, [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() };
}

describe("a session", () => {
  test("is opened with a token, has its role and name, and its cookie is for this host, TLS and our own pages only", async () => {
    await using site = await openSite();
    const answer = await site.open({ token: site.token });
    assert.match(
      answer.headers.get("set-cookie") ?? "",
      /^__Host-birther=[0-9a-f]{64}; Path=\/; Max-Age=604800; Secure; HttpOnly; SameSite=Strict$/,
    );
    assert.deepEqual([answer.json.name, answer.json.role], ["olga (web)", "operator"]);
    const cookie = site.cookieOf(answer);
    const held = await site.askWith(cookie, "/v1/machines/r01u1/hold", {
      method: "POST",
      body: { reason: "disk swap" },
    });
    assert.equal(held.status, 200);
    assert.equal((await site.askWith(cookie, "/v1/tokens")).status, 403);
    const [entry] = (await site.ask("/v1/audit?about=r01u1&limit=1")).json.entries;
    assert.equal(entry.by, "olga (web)");
  });

  test("is used by no other site: every route is refused without the browser's word that the page is ours", async () => {
    await using site = await openSite();
    const cookie = await site.logIn();
    const before = site.store.position();
    const foreign: { readonly [name: string]: string }[] = [
      {},
      { "sec-fetch-site": "cross-site", "birther-dashboard": "1" },
      { "sec-fetch-site": "same-site", "birther-dashboard": "1" },
      { "sec-fetch-site": "none", "birther-dashboard": "1" },
      { origin: "https://evil.example", "birther-dashboard": "1", host },
      { origin: "null", "birther-dashboard": "1", host },
      { origin: `http://${host}`, "birther-dashboard": "1", host },
      { origin: `https://${host}.evil.example`, "birther-dashboard": "1", host },
      { ...own, origin: "https://evil.example" },
    ];
    for (const [name, { method, path, role }] of Object.entries(operatorRoutes) as [OperatorRoute, Route][]) {
      if (role === "anyone") continue;
      for (const headers of foreign) {
        const { status } = await site.ask(path.replace(":name", "r01u1"), {
          method,
          headers: { ...headers, cookie },
          listener,
        });
        assert.equal(status, 403, `${name} ${JSON.stringify(headers)}`);
      }
      // A form or a link of our own origin, for example from a text that was taken for markup, lacks the header.
      const { "birther-dashboard": _header, ...plain } = own;
      if (method === "GET") continue;
      const { status } = await site.ask(path.replace(":name", "r01u1"), {
        method,
        headers: { ...plain, cookie },
        listener,
      });
      assert.equal(status, 403, name);
    }
    assert.equal(site.store.position(), before);
    const browser = { origin: `https://${host}`, "birther-dashboard": "1", host, cookie };
    assert.equal(
      (await site.ask("/v1/status", { headers: browser, listener })).status,
      200,
      "an older browser says its origin",
    );
  });

  test("is not opened for another site, which could make an operator act as somebody else", async () => {
    await using site = await openSite();
    for (const headers of [{}, { ...own, "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-origin" }]) {
      const answer = await site.open({ token: site.token }, headers);
      assert.deepEqual([answer.status, answer.headers.get("set-cookie")], [403, null], JSON.stringify(headers));
    }
  });

  test("ends with its token: revoked, expired, replaced by another of that name, or with another role", async () => {
    await using site = await openSite();
    const cookie = await site.logIn();
    await site.tokens.revoke("olga", "test");
    assert.equal((await site.askWith(cookie)).status, 401);
    await site.tokens.create({ name: "olga", role: "admin", by: "test" });
    assert.equal((await site.askWith(cookie)).status, 401, "the new token is another one");
    const made = await site.tokens.create({ name: "guest", role: "viewer", by: "test", expiresSeconds: 3600 });
    const guest = site.cookieOf(await site.open({ token: made.kind === "created" ? made.token : "" }));
    assert.equal((await site.askWith(guest)).status, 200);
    site.clock.pass(3_600_000);
    assert.equal((await site.askWith(guest)).status, 401);
  });

  test("ends by logout, after its idle time and after its longest time; then its cookie buys nothing", async () => {
    await using site = await openSite();
    const first = await site.logIn();
    const out = await site.askWith(first, "/v1/session", { method: "DELETE" });
    assert.deepEqual([out.status, out.json], [200, { ended: 1 }]);
    assert.match(out.headers.get("set-cookie") ?? "", /^__Host-birther=; Path=\/; Max-Age=0; /);
    assert.equal((await site.askWith(first)).status, 401);
    const idle = await site.logIn();
    site.clock.pass(idleMs);
    assert.equal((await site.askWith(idle)).status, 401);
    const long = await site.logIn();
    for (let passed = 0; passed < longestMs - idleMs; passed += idleMs / 2) {
      assert.equal((await site.askWith(long)).status, 200, "it is used");
      await new Promise(setImmediate);
      site.clock.pass(idleMs / 2);
    }
    site.clock.pass(idleMs);
    assert.equal((await site.askWith(long)).status, 401);
  });

  test("recording its use does not bring back a session that is being ended", async () => {
    await using site = await openSite();
    const cookie = await site.logIn();
    site.clock.pass(3_600_000);
    const ended = site.askWith(cookie, "/v1/session", { method: "DELETE" });
    const used = site.askWith(cookie);
    await Promise.all([ended, used]);
    await new Promise(setImmediate);
    assert.equal((await site.askWith(cookie)).status, 401);
    assert.equal(site.store.documents("session").length, 0);
  });

  test("an admin ends all; the secret is nowhere but in the cookie", async () => {
    await using site = await openSite();
    const cookie = await site.logIn();
    const secret = cookie.split("=")[1] ?? assert.fail();
    const kept = JSON.stringify([site.store.documents("session"), site.lines, (await site.ask("/v1/audit")).json]);
    assert.ok(!kept.includes(secret) && !kept.includes(site.token));
    assert.ok(!JSON.stringify((await site.ask("/v1/audit")).json).includes("tokenHash"));
    assert.equal(
      (await site.askWith(cookie, "/v1/sessions", { method: "DELETE" })).status,
      403,
      "an operator does not",
    );
    assert.deepEqual((await site.ask("/v1/sessions", { method: "DELETE" })).json, { ended: 1 });
    assert.equal((await site.askWith(cookie)).status, 401);
  });

  test("guessing: after ten wrong tokens or links an address waits; two cookies and other forms are none", async () => {
    await using site = await openSite();
    const cookie = await site.logIn();
    const [name, secret] = cookie.split("=");
    for (const wrong of [
      `${name}=${"0".repeat(64)}`,
      `${cookie}; ${name}=x`,
      `${name}="${secret}"`,
      `${name}=${secret}0`,
      "birther=1",
    ])
      assert.equal((await site.askWith(wrong)).status, 401, wrong);
    for (let n = 0; n < attemptLimit; n += 1)
      assert.equal((await site.open(n % 2 === 0 ? { token: "x" } : { link: "x" })).status, 401);
    assert.equal((await site.open({ link: "x" })).status, 429);
    assert.equal(
      (await site.open({ token: site.token })).status,
      201,
      "a right one is served, whatever others present",
    );
  });

  test("a token has a limited number of sessions: the least recently used one makes place", async () => {
    await using site = await openSite();
    const oldest = await site.logIn();
    for (let n = 0; n < sessionsPerCaller; n += 1) {
      site.clock.pass(1000);
      await site.logIn();
    }
    assert.equal(site.store.documents("session").length, sessionsPerCaller);
    assert.equal((await site.askWith(oldest)).status, 401);
  });

  test("the feed of a session ends when the session does", async () => {
    await using site = await openSite();
    const cookie = await site.logIn();
    const { app, store } = site;
    const answer = await app.request("/v1/changes", { headers: { ...own, cookie } }, { listener });
    assert.equal(answer.status, 200);
    await site.askWith(cookie, "/v1/session", { method: "DELETE" });
    await answer.body?.cancel();
    const again = await app.request("/v1/changes", { headers: { ...own, cookie } }, { listener });
    assert.equal(again.status, 401);
    assert.equal(store.documents("session").length, 0);
  });
});

describe("a one-time link", () => {
  test("the audit has the reason why it was created with the session that it opens", async () => {
    await using site = await openSite();
    const headers = { "birther-reason": encodeURIComponent("night shift, café") };
    const made = await site.ask("/v1/session-links", { method: "POST", body: { role: "viewer" }, headers });
    assert.equal((await site.open({ link: made.json.path.split("#")[1] })).status, 201);
    const [entry] = (await site.ask("/v1/audit?limit=1")).json.entries;
    const { by, action, request } = entry;
    assert.deepEqual(
      [by, action, request.from, request.reason],
      [...["uid:root (web)", "put session"], ...["192.0.2.1", "night shift, café"]],
    );
  });

  test("opens one session with the role it was made for, once, within a minute", async () => {
    await using site = await openSite();
    const made = await site.post("/v1/session-links", { role: "viewer" });
    assert.equal(made.status, 201);
    const link = made.json.path.split("#")[1];
    const answer = await site.open({ link });
    assert.deepEqual([answer.status, answer.json.name, answer.json.role], [201, "uid:root (web)", "viewer"]);
    assert.equal((await site.open({ link })).status, 401, "it is used up");
    const late = (await site.post("/v1/session-links", {})).json.path.split("#")[1];
    site.clock.pass(linkMs);
    assert.equal((await site.open({ link: late })).status, 401);
    assert.ok(!site.lines.join().includes(link));
  });

  test("only an admin makes one", async () => {
    await using site = await openSite();
    const cookie = await site.logIn();
    assert.equal((await site.askWith(cookie, "/v1/session-links", { method: "POST", body: {} })).status, 403);
  });
});
