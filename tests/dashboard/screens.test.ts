import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { logIn, openBrowser, openPage } from "../support/browser.ts";
import { framesOf } from "../support/pcap.ts";
import { arrivingFleet } from "./fleet.ts";
import { screens } from "./screens.ts";
import { type DashboardServer, startDashboardServer } from "./server.ts";

describe("the screens of 4,000 machines", () => {
  let server: DashboardServer;
  let browser: Browser;
  let token: string;

  before(async () => {
    server = await startDashboardServer(arrivingFleet(4000, Date.now()));
    token = await server.token("ann", "admin");
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });

  const show = async (page: Page, path: string, text: string | RegExp) => {
    await page.goto(server.base + path);
    await page.locator("main").getByText(text).first().waitFor();
    await page.locator("[data-feed=live]").waitFor();
  };

  for (const dark of [false, true]) {
    test(`each screen is accessible in the ${dark ? "dark" : "light"} theme, and breaks no policy`, async () => {
      const { page, context, faults } = await openPage(browser, { dark });
      await logIn(page, server.base, token);
      for (const [path, text] of screens) {
        await show(page, path, text);
        // The themes differ in nothing but their colours.
        const axe = new AxeBuilder({ page });
        const asked = dark
          ? axe.withRules(["color-contrast"])
          : axe.withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]);
        const { violations } = await asked.analyze();
        const found = violations.map(
          ({ id, nodes }) =>
            `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`,
        );
        assert.deepEqual(found, [], path);
      }
      assert.deepEqual(faults, []);
      await context.close();
    });
  }

  test("at twice the size nothing is cut off: every screen scrolls in one direction only", async () => {
    const { page, context } = await openPage(browser, { width: 640, height: 360 });
    await logIn(page, server.base, token);
    for (const [path, text] of screens) {
      await show(page, path, text);
      const beyond = await page.evaluate(`document.querySelector("main").getBoundingClientRect().right - innerWidth`);
      assert.ok(Number(beyond) <= 0, `${path}: ${beyond} pixels beyond the edge`);
      assert.ok(Number(await page.evaluate("document.documentElement.scrollWidth - innerWidth")) <= 0, path);
    }
    await context.close();
  });

  test("a search that is typed before the machines are read finds them when they are", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token);
    const { promise: typed, resolve: letGo } = Promise.withResolvers<void>();
    await page.route("**/v1/fleet", async (route) => {
      await typed;
      await route.continue();
    });
    await page.goto(`${server.base}/wrong`);
    await page.getByRole("heading", { name: "What is wrong now" }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("r17u4");
    await page.getByRole("dialog", { name: "Search" }).getByText("reading the machines…").waitFor();
    letGo();
    await page
      .getByRole("option", { name: /^r17u4 / })
      .first()
      .waitFor();
    await context.close();
  });

  test("until a filter is answered, nothing can be done to all machines of the filter before", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token, "/machines");
    await page.getByText("4,000 of 4,000 machines").waitFor();
    const { promise: seen, resolve: letGo } = Promise.withResolvers<void>();
    await page.route("**/v1/machines?*fields=id*", async (route) => {
      await seen;
      await route.continue();
    });
    await page.getByRole("button", { name: "Select all 4,000" }).click();
    await page.getByRole("button", { name: "status=failing" }).click();
    await page.getByText("selecting …").waitFor();
    assert.equal(await page.getByRole("button", { name: "Select none" }).isDisabled(), true);
    assert.equal(await page.getByRole("button", { name: "Act on 4,000 …" }).isDisabled(), true);
    letGo();
    await page.getByText("27 of 4,000 machines").waitFor();
    await page.getByRole("button", { name: "Act on 27 …" }).click();
    await page.getByRole("dialog", { name: "Act on 27 machines" }).waitFor();
    await context.close();
  });

  test("a journey by keyboard: find a machine, hold it after a dry run, and open another one from the list", async () => {
    const { page, context, faults } = await openPage(browser);
    await page.goto(server.base);
    await page.getByLabel("Token").waitFor();
    await page.keyboard.type(token);
    await page.keyboard.press("Enter");
    await page.locator("[data-feed=live]").waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "detached" });
    // As fast as they come: the field of the search is not there yet.
    await page.keyboard.press("/");
    await page.keyboard.type("r17u4");
    await page
      .getByRole("option", { name: /^r17u4 / })
      .first()
      .waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "r17u4" }).waitFor();
    await page.getByRole("button", { name: "Act …" }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Act on r17u4" });
    await dialog.getByLabel("Reason").focus();
    await page.keyboard.type("it's a test");
    await dialog.getByText(`birther hold r17u4 --reason 'it'\\''s a test'`).waitFor();
    await page.keyboard.press("Enter");
    await dialog.getByText("1 of 1 machine accepts it").waitFor();
    assert.deepEqual(server.store.find("r17u4")?.conditions, [], "a dry run changes nothing");
    await dialog.getByRole("button", { name: "hold 1" }).focus();
    await page.keyboard.press("Enter");
    await dialog.getByText("1 of 1 machine was changed").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByText("it's a test (ann (web))").first().waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("m");
    await page.getByText("4,000 of 4,000 machines").waitFor();
    await page.getByLabel("Where").focus();
    await page.keyboard.type("condition=hold");
    await page.keyboard.press("Enter");
    await page.getByText("11 of 4,000 machines").waitFor();
    await page.getByRole("grid").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "r0u11" }).waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("a machine's packets are downloaded as a capture, under its name", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token, "/m/r17u4?tab=packets");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download as pcap" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "r17u4.pcap");
    const capture = await readFile(await download.path());
    assert.deepEqual(
      framesOf(capture).map((frame) => frame.length),
      [14 + 20 + 8 + 8, 14 + 20 + 8 + 8],
    );
    await context.close();
  });

  test("the arrows walk through the slots, and each says what is in it", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token);
    const slots = page.getByRole("listbox", { name: /^slots/ });
    await slots.focus();
    await page.getByRole("option", { name: /^rack 0 unit 0 · r0u0/ }).waitFor();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowRight");
    await page.getByRole("option", { name: /^rack 1 unit 1 · r1u1/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "r1u1" }).waitFor();
    await context.close();
  });

  test("a rebirth of many machines: refused beyond the blast radius, and only after their number was typed", async () => {
    const { page, context } = await openPage(browser);
    const many = server.store.list().filter(({ groups = [] }) => groups.includes("team-1")).length;
    await logIn(page, server.base, token, "/machines?w=group%3Dteam-1");
    await page.getByText(`${many} of 4,000 machines`).waitFor();
    await page.getByRole("button", { name: `Select all ${many}` }).click();
    await page.getByRole("button", { name: `Act on ${many} …` }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("radio", { name: /^rebirth/ }).check();
    await dialog.getByRole("button", { name: "Show what would happen" }).click();
    await dialog.getByText("too many machines at once").waitFor();
    assert.equal(await dialog.getByRole("button", { name: /^rebirth / }).isDisabled(), true);
    await dialog.getByRole("button", { name: "Back" }).click();
    await dialog.getByLabel("exceed the blast radius").check();
    await dialog.getByRole("button", { name: "Show what would happen" }).click();
    const act = dialog.getByRole("button", { name: /^rebirth \d+/ });
    await act.waitFor();
    assert.equal(await act.isDisabled(), true, "before the number is typed");
    const count = /\d+/.exec((await act.textContent()) ?? "")?.[0] ?? "";
    await dialog.getByLabel(/^To confirm/).fill(count);
    await act.click();
    await dialog.getByText(`${count} of ${count} machines were changed`).waitFor();
    assert.equal(server.store.list().filter(({ state }) => state === "rebirth").length, Number(count));
    await context.close();
  });
});
