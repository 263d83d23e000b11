import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { fleetMac } from "../../bench/mdb-fleet.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { logIn, openBrowser, openPage, until } from "../support/browser.ts";
import { hostileText } from "../support/hostile-words.ts";
import { arrivingFleet } from "./fleet.ts";
import { type DashboardServer, startDashboardServer } from "./server.ts";

/** Counts the marks of failures in the picture of the racks: areas of their colour, whatever the size of a slot is. */
const countsMarks = `(() => {
  const canvas = document.querySelector("canvas");
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const isMark = (at) => data[4 * at] === 211 && data[4 * at + 1] === 32 && data[4 * at + 2] === 32;
  const left = new Set(Array.from({ length: width * height }, (_, at) => at).filter(isMark));
  let count = 0;
  for (const first of left) {
    count += 1;
    for (const ends = [first]; ends.length > 0; ) {
      const at = ends.pop();
      if (left.delete(at)) ends.push(at - 1, at + 1, at - width, at + width);
    }
  }
  return count;
})()`;

describe("the dashboard while the fleet changes", () => {
  let server: DashboardServer;
  let browser: Browser;
  let token: string;
  const id = (n: number) => machineIdFromMac(fleetMac(n));

  before(async () => {
    server = await startDashboardServer(arrivingFleet(400, Date.now()));
    token = await server.token("ann", "admin");
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });

  const fail = (n: number, reason: string) => server.store.apply({ kind: "failed", id: id(n), step: "disk", reason });
  const failing = () =>
    server.store.list().filter(({ conditions }) => conditions.some(({ kind }) => kind === "failing")).length;
  const shown = (page: Page) => page.getByText(`${failing()} of 400 machines`).waitFor();

  test("a change is on the screen without a reload", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token, "/machines?w=condition%3Dfailing");
    await shown(page);
    for (let n = 100; n < 120; n += 1) await fail(n, "no disk");
    await shown(page);
    await context.close();
  });

  test("while the server is away the screen says so; afterwards it shows what happened meanwhile, and no wrong number", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token, "/machines?w=condition%3Dfailing");
    await shown(page);
    await server.stop();
    await page.locator("[data-feed=cut]").waitFor();
    await page.getByText(/data is .* old, reconnecting/).waitFor();
    for (let n = 130; n < 150; n += 1) await fail(n, "no disk");
    await server.start();
    await page.locator("[data-feed=live]").waitFor();
    await shown(page);
    assert.equal(await page.getByLabel("Token").count(), 0, "the session outlives a restart");
    await context.close();
  });

  test("a session that follows another in the same page shows what happened between them", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token, "/machines?w=rack%3D8");
    await page.getByText("40 of 400 machines").waitFor();
    // A question that is still under way is refused after the next session has begun.
    const { promise: refused, resolve: refuse } = Promise.withResolvers<void>();
    const asked = page.waitForRequest(/\/v1\/machines\?/);
    let isOfOldSession = true;
    await page.route(/\/v1\/machines\?/, async (route) => {
      if (!isOfOldSession) return await route.continue();
      await refused;
      await route.fulfill({ status: 401, json: { title: "no session", detail: "", next: "" } });
    });
    await page.getByRole("button", { name: "status=held" }).click();
    await asked;
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Token").waitFor();
    await fail(325, "no disk");
    await page.getByLabel("Token").fill(token);
    isOfOldSession = false;
    await page.getByRole("button", { name: "Log in" }).click();
    await page.locator("[data-feed=live]").waitFor();
    const answered = page.waitForResponse((response) => response.status() === 401);
    refuse();
    await answered;
    await page.getByLabel("Where").fill("rack=8");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByRole("row", { name: /^select r8u5 .*failing/ }).waitFor();
    await context.close();
  });

  test("how far a machine is is on the screen, although its record does not change", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token, "/machines?w=rack%3D7");
    await page.getByText("40 of 400 machines").waitFor();
    for (const [done, text] of [
      [1, "25 %"],
      [2, "50 %"],
    ] as const) {
      server.store.noteProgress(id(284), { what: "fetch", done, total: 4 });
      await page.getByRole("row", { name: /r7u4 / }).getByText(text).waitFor();
    }
    await context.close();
  });

  test("a slot changes its colour when its machine does", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token);
    const slots = page.getByRole("listbox", { name: /^slots/ });
    await slots.focus();
    const name = "r0u0";
    await page.getByRole("option", { name: new RegExp(name) }).waitFor();
    const marks = async () => Number(await page.evaluate(countsMarks));
    const before = failing();
    await until("each failing machine has a mark", async () => (await marks()) === before);
    await fail(0, "no disk");
    await page.getByRole("option", { name: /r0u0 .*failing/ }).waitFor();
    assert.equal(await marks(), before + 1, "the picture is as new as the text");
    for (let n = 310; n < 320; n += 1) await fail(n, "no disk");
    await until("ten more slots have the mark of a failure", async () => (await marks()) === before + 11);
    await context.close();
  });

  test("what a machine says is text: script in reasons, logs and names neither runs nor becomes markup", async () => {
    const evil = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
    const words = `${evil} ${hostileText("reason")}`;
    await fail(200, words.slice(0, 400));
    server.store.addLog(id(200), [words, "\u001b[31mred\u001b[0m \u202eevil"]);
    await server.store.apply({
      ...{ kind: "detailsSet", id: id(200), by: "ann" },
      details: { tags: { note: "<b>x</b>" } },
    });
    const { page, context, faults } = await openPage(browser);
    await logIn(page, server.base, token);
    for (const [path, text] of [
      ["/", "400 machines"],
      ["/wrong", "<img src=x onerror"],
      ["/machines?w=rack%3D5", "<img src=x onerror"],
      ["/m/r5u0", "<img src=x onerror"],
      ["/m/r5u0", "␛[31mred"],
      ["/m/r5u0?tab=events", "<img src=x onerror"],
      ["/m/r5u0?tab=audit", "<b>x</b>"],
      [`/m/${encodeURIComponent(evil)}`, "no machine has the name"],
      [`/machines?w=${encodeURIComponent(evil)}`, "found <img src=x onerror"],
    ] as const) {
      await page.goto(server.base + path);
      await page.locator("main").getByText(text).first().waitFor();
      await page.locator("[data-feed=live]").waitFor();
      assert.equal(await page.locator("img, iframe, b, #app script").count(), 0, path);
      assert.notEqual(await page.title(), "owned", path);
    }
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("nothing is drawn while nothing changes", async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, server.base, token);
    await page.getByText("400 machines", { exact: true }).waitFor();
    await page.evaluate(
      `window.frames_ = 0; const ask = requestAnimationFrame; window.requestAnimationFrame = (f) => { window.frames_ += 1; return ask(f); }`,
    );
    // The clock of the ages is the only thing that moves, once a second. The screen itself is not finished yet at the beginning.
    await until("three seconds in which only the clock draws", async () => {
      const [frames, seconds] = (await page.evaluate(`(async () => {
        const [before, began] = [frames_, performance.now()];
        await new Promise((resolve) => setTimeout(resolve, 3000));
        return [frames_ - before, (performance.now() - began) / 1000];
      })()`)) as [number, number];
      return frames <= 2 * seconds;
    });
    await context.close();
  });
});
