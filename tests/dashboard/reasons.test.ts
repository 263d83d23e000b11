import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { logIn, openBrowser, openPage, until } from "../support/browser.ts";
import { arrivingFleet } from "./fleet.ts";
import { type DashboardServer, startDashboardServer } from "./server.ts";
import { sitePlan } from "./site.ts";
import { wildFleet, wildTexts } from "./wild-fleet.ts";

describe("reasons, the plan, and figures that lead to their machines", () => {
  let server: DashboardServer;
  let browser: Browser;
  let token: string;

  before(async () => {
    // Two racks of a plan of 102 racks with 42 units each.
    server = await startDashboardServer(arrivingFleet(80, Date.now()), { plan: sitePlan() });
    token = await server.token("ann", "admin");
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });

  test("a token is created and revoked, and all sessions end, each with a reason that the audit has", async () => {
    const { page, context, faults } = await openPage(browser);
    await logIn(page, server.base, token, "/tokens");
    await page.getByRole("textbox", { name: "Name" }).fill("night-shift");
    await page.getByRole("textbox", { name: /^Reason/ }).fill("new colleague");
    // The second click must not hide what the first has created: it is shown only once.
    await page.getByRole("button", { name: "Create", exact: true }).dblclick();
    await page.getByText("night-shift: this is shown only once").waitFor();
    await page.getByRole("button", { name: "Revoke night-shift …" }).click();
    const dialog = page.getByRole("dialog", { name: "Revoke night-shift" });
    await dialog.getByLabel(/^Reason/).fill("it's gone");
    await dialog.getByText(`birther tokens revoke night-shift --reason 'it'\\''s gone'`).waitFor();
    await dialog.getByRole("button", { name: "Revoke night-shift", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Revoke night-shift …" }).waitFor({ state: "detached" });
    const noted = await server.store.audit({ subject: "night-shift", limit: 5 });
    assert.deepEqual(
      noted.map(({ action, by, request }) => [action, by, request?.reason]),
      [
        ["drop token", "ann (web)", "it's gone"],
        ["put token", "ann (web)", "new colleague"],
      ],
    );
    await page.getByRole("button", { name: "End the sessions of all browsers …" }).click();
    const end = page.getByRole("dialog", { name: "End all sessions" });
    await end.getByLabel(/^Reason/).fill("a lost laptop");
    await end.getByRole("button", { name: "End all sessions" }).click();
    await page.getByLabel("Token", { exact: true }).waitFor();
    assert.deepEqual(server.store.documents("session"), []);
    const [last] = await server.store.audit({ limit: 1 });
    assert.deepEqual([last?.action, last?.request?.reason], ["drop session", "a lost laptop"]);
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("a tab of a machine that is chosen, or that a link names, is in sight on a small screen", async () => {
    const { page, context, faults } = await openPage(browser, { width: 1280, height: 720 });
    await logIn(page, server.base, token);
    const topOf = async () => (await page.getByRole("tablist").boundingBox())?.y ?? Number.NaN;
    const inSight = async (what: string) => {
      await until(`${what}: in sight`, async () => {
        const top = await topOf();
        return top >= 0 && top < 360;
      });
    };
    await page.goto(`${server.base}/m/r0u3`);
    await page.getByText("Siblings: median (range)").waitFor();
    assert.ok((await topOf()) > 360, "the phases come first, as long as no tab is chosen");
    await page.getByRole("tab", { name: "Hardware and disks" }).click();
    await inSight("chosen");
    await page.goto(`${server.base}/m/r0u4?tab=burn-in`);
    await page.getByText("Siblings: median (range)").waitFor();
    await inSight("linked");
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("slots of the plan that were never heard from are hollow, and say what is expected in them", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token);
    const missing = (102 * 42 - 80).toLocaleString("en");
    await page.getByText(`${missing} of 4,284 expected never heard from`).waitFor();
    await page.getByText("never heard from", { exact: true }).waitFor();
    await page.getByRole("listbox", { name: /^slots/ }).focus();
    await page.keyboard.press("End");
    await page
      .getByRole("option", { name: "rack 101 unit 0 · r101u0 · never heard from, expected at tor-101 swp0" })
      .waitFor();
    await page.goto(`${server.base}/wrong`);
    await page.getByText(`${missing} slots of 4,284 expected were never heard from`).waitFor();
    await page.getByText(/rack 2 \(42 of 42\).* and 90 more racks/).waitFor();
    await context.close();
  });

  test("each figure leads to as many machines as it says; a cause can be acted on at once", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token);
    await page.getByText("80 machines", { exact: true }).waitFor();
    const texts = ["machines", "up", "arriving", "held"];
    for (const text of texts) {
      await page.goto(server.base);
      const figure = page.locator("a.figure").filter({ hasText: new RegExp(`^\\d+ ${text}$`) });
      const count = /\d+/.exec((await figure.textContent()) ?? "")?.[0];
      await figure.click();
      await page.getByText(`${count} of 80 machines`).waitFor();
    }
    await page.goto(`${server.base}/wrong`);
    await page.getByRole("button", { name: "Act on r0u7 …" }).click();
    await page.getByRole("dialog", { name: "Act on r0u7" }).waitFor();
    await context.close();
  });
});

test("whatever machines say on any screen runs nothing, makes no markup and widens no page", async () => {
  await using server = await startDashboardServer(wildFleet(40, Date.now()));
  const browser = await openBrowser();
  try {
    const { page, context, faults } = await openPage(browser);
    await logIn(page, server.base, await server.token("ann", "admin"));
    const names = [...wildTexts.keys()].map((n) => server.store.list()[n]).map((one) => one?.hostname ?? one?.id);
    const tabs = ["log", "packets", "burn-in", "hardware", "events", "audit"];
    const paths = [
      "/",
      "/wrong",
      "/machines",
      "/networks",
      ...names.flatMap((name) => tabs.map((tab) => `/m/${name}?tab=${tab}`)),
    ];
    for (const path of paths) {
      await page.goto(server.base + path);
      await page.locator("main section").first().waitFor();
      await page.locator("[data-feed=live]").waitFor();
      const found = await page.evaluate(
        `[document.title, document.querySelectorAll("main img, main svg, main script, main iframe").length, document.documentElement.scrollWidth - innerWidth]`,
      );
      const [title, elements, beyond] = found as [string, number, number];
      assert.match(title, / – Birther$/, path);
      assert.deepEqual([elements, beyond <= 0], [0, true], path);
    }
    assert.deepEqual(faults, []);
    await context.close();
  } finally {
    await browser.close();
  }
});
