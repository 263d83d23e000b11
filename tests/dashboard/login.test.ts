import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { logIn, openBrowser, openPage, until } from "../support/browser.ts";
import { arrivingFleet } from "./fleet.ts";
import { type DashboardServer, startDashboardServer } from "./server.ts";

/** Acts after each change of the page before anything else can: nothing is painted yet, and no event was handled since. */
const actsAsSoonAsSeen = `
  globalThis.seen = [];
  const steps = [
    ["input[type=password]", () => {}],
    ["header.top", () => document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }))],
    ["dialog table", () => document.querySelector("dialog").close()],
  ];
  new MutationObserver(() => {
    const [selector, act] = steps[seen.length] ?? [];
    if (selector === undefined || document.querySelector(selector) === null) return;
    seen.push(document.activeElement.localName);
    act();
  }).observe(document, { childList: true, subtree: true });
`;

describe("the dashboard's page and login", () => {
  let server: DashboardServer;
  let browser: Browser;

  before(async () => {
    server = await startDashboardServer(arrivingFleet(40, Date.now()));
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });

  const get = async (path: string, headers: { readonly [name: string]: string } = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request(server.base + path, { headers, rejectUnauthorized: false }, resolve)
      .on("error", reject)
      .end();
    const answer = await promise;
    return { answer, body: await text(answer) };
  };

  test("the page runs our own files only, makes no markup of text, and is in no frame; its files are cached by content", async () => {
    const { answer, body } = await get("/");
    const policy = String(answer.headers["content-security-policy"]);
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "require-trusted-types-for 'script'",
      "frame-ancestors 'none'",
    ])
      assert.ok(policy.includes(part), part);
    assert.ok(!/unsafe|https?:/.test(policy), policy);
    assert.ok(!/<script(?! type="module" src="\/assets\/)|style=|javascript:|https?:\/\//.test(body), body);
    assert.equal(answer.headers["cross-origin-resource-policy"], "same-origin");
    for (const [, path = ""] of body.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
      const file = await get(path, { "accept-encoding": "gzip, br" });
      assert.deepEqual([file.answer.statusCode, file.answer.headers["content-encoding"]], [200, "br"], path);
      assert.match(String(file.answer.headers["cache-control"]), /immutable/);
      assert.equal(file.answer.headers["x-content-type-options"], "nosniff");
    }
    const again = await get("/", { "if-none-match": String(answer.headers.etag) });
    assert.equal(again.answer.statusCode, 304);
    for (const path of ["/machines", "/m/r01u01.example.com", "/wrong?w=x"])
      assert.equal((await get(path)).answer.statusCode, 200);
    for (const path of ["/assets/none.js", "/m", "/machines/x", "/constructor", "/src/dashboard/main.tsx"])
      assert.equal((await get(path)).answer.statusCode, 404, path);
  });

  test("the first load is at most 100 KB compressed, in all", async () => {
    const { page, context } = await openPage(browser);
    const sizes: Promise<number>[] = [];
    page.on("requestfinished", (request) =>
      sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize)),
    );
    await page.goto(server.base);
    await page.getByLabel("Token").waitFor();
    await page.waitForLoadState("networkidle");
    // The page, its script, its style sheet and the question who this browser is.
    assert.equal(sizes.length, 4);
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    assert.ok(bytes > 10_000 && bytes <= 100 * 1024, `${bytes} bytes`);
    await context.close();
  });

  test("a token opens a session that the page cannot read; logging out ends it; a wrong token says what to do", async () => {
    const { page, context, faults } = await openPage(browser);
    await page.goto(`${server.base}/machines`);
    await page.getByLabel("Token").fill("birther.nobody.0");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("birther tokens create NAME").waitFor();
    await logIn(page, server.base, await server.token("ann", "viewer"), "/machines");
    await page.getByText("ann (web), viewer").waitFor();
    await page.getByText("40 of 40 machines").waitFor();
    const [cookie] = await context.cookies();
    assert.deepEqual(
      [cookie?.name, cookie?.httpOnly, cookie?.secure, cookie?.sameSite],
      ["__Host-birther", true, true, "Strict"],
    );
    assert.equal(await page.evaluate("document.cookie"), "");
    assert.equal(await page.getByRole("button", { name: /^Act on/ }).count(), 0, "a viewer is offered no acts");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Token").waitFor();
    await context.addCookies([{ ...(cookie ?? assert.fail()) }]);
    await page.reload();
    await page.getByLabel("Token").waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("what is seen works: in the moment the login, a screen or a dialog appears, it has the focus and hears keys", async () => {
    const { page, context, faults } = await openPage(browser);
    await page.addInitScript({ content: actsAsSoonAsSeen });
    await logIn(page, server.base, await server.token("early", "viewer"), "/wrong");
    await until("the dialog was seen", async () => (await page.evaluate("seen.length")) === 3);
    const [login, , keys] = (await page.evaluate("seen")) as string[];
    assert.deepEqual([login, keys], ["input", "button"]);
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("a one-time link opens a session once, and its secret leaves the address", async () => {
    const { page, context, faults } = await openPage(browser);
    const link = server.link("operator");
    await page.goto(server.base + link);
    await page.getByText("uid:root (web), operator").waitFor();
    assert.equal(await page.evaluate("location.pathname + location.hash"), "/");
    assert.deepEqual(faults, []);
    await context.close();
    const second = await openPage(browser);
    await second.page.goto(server.base + link);
    await second.page.getByText("run birther dashboard again").waitFor();
    await second.context.close();
  });

  test("a page of another origin gets nothing with the session of this browser", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, await server.token("victim", "admin"));
    await page.route("https://evil.example/", (route) =>
      route.fulfill({ contentType: "text/html", body: "<form method=post enctype=text/plain></form>" }),
    );
    await page.goto("https://evil.example/");
    const hold = `${server.base}/v1/machines/r0u0/hold`;
    const [read, write] = await page.evaluate(
      async ([list, target]) => {
        const body = '{"reason":"x"}';
        const headers = { "content-type": "application/json", "birther-dashboard": "1" };
        const tries = [
          fetch(list ?? "", { credentials: "include" }),
          fetch(target ?? "", { method: "POST", credentials: "include", headers, body }),
          fetch(target ?? "", { method: "POST", credentials: "include", mode: "no-cors", body }),
        ];
        return (await Promise.allSettled(tries)).map(({ status }) => status);
      },
      [`${server.base}/v1/machines`, hold],
    );
    assert.deepEqual([read, write], ["rejected", "rejected"]);
    await page.evaluate(
      `const form = document.querySelector("form"); form.action = ${JSON.stringify(hold)}; form.submit()`,
    );
    await page.waitForURL(hold);
    assert.deepEqual(server.store.find("r0u0")?.conditions, []);
    await context.close();
  });

  test("revoking the token logs out an open page", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, await server.token("leaver", "operator"), "/machines");
    await server.revoke("leaver");
    // The page may log out by a question of its own first; then there is nothing to click.
    const asks = page.getByRole("button", { name: "status=failing" }).click();
    const isClicked = asks.then(
      () => true,
      () => false,
    );
    await page.getByLabel("Token").waitFor();
    await context.close();
    await isClicked;
  });

  test("a dialog of a session that ended is not open in the next one", async () => {
    const { page, context, faults } = await openPage(browser);
    await logIn(page, server.base, await server.token("early-leaver", "operator"), "/m/r0u2");
    await page.getByRole("button", { name: "Act …" }).click();
    await page.getByRole("dialog", { name: "Act on r0u2" }).waitFor();
    await page.getByLabel("Reason").fill("x");
    await server.revoke("early-leaver");
    // The page may log out by a question of its own first; then this is an empty login, which asks nothing.
    await page.keyboard.press("Enter");
    await page.getByLabel("Token").fill(await server.token("late-comer", "operator"));
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "r0u2" }).waitFor();
    assert.equal(await page.getByRole("dialog").count(), 0);
    assert.deepEqual(faults, []);
    await context.close();
  });
});
