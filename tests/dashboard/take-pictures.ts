/**
 * Pictures of the dashboard of 4,000 synthetic machines in the middle of their power-on. Without arguments: the one of the README.
 * With a directory: each screen there, in two sizes, both themes and at twice the size, for people to look at.
 *
 *     node_modules/.bin/node tests/dashboard/take-pictures.ts [DIRECTORY]
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { logIn, openBrowser, openPage } from "../support/browser.ts";
import { arrivingFleet } from "./fleet.ts";
import { screens } from "./screens.ts";
import { startDashboardServer } from "./server.ts";

type View = { readonly name: string; readonly width: number; readonly height: number; readonly dark: boolean };

const views: readonly View[] = [
  ...[false, true].flatMap((dark) => [
    { name: dark ? "720-dark" : "720", width: 1280, height: 720, dark },
    { name: dark ? "1080-dark" : "1080", width: 1920, height: 1080, dark },
  ]),
  { name: "twice", width: 640, height: 360, dark: false },
];

async function take(browser: Browser, view: View, of: { base: string; token: string; directory: string }) {
  const { page, context } = await openPage(browser, view);
  await logIn(page, of.base, of.token);
  for (const [path, text] of screens) {
    await page.goto(of.base + path);
    await page.locator("main").getByText(text).first().waitFor();
    await page.locator("[data-feed=live]").waitFor();
    await page.waitForTimeout(500);
    const name = path === "/" ? "arrival" : path.replace(/[^a-z0-9]+/gi, "-").replace(/^-/, "");
    await page.screenshot({ path: join(of.directory, `${name}-${view.name}.png`) });
  }
  await context.close();
}

const [directory] = process.argv.slice(2);
await using server = await startDashboardServer(arrivingFleet(4000, Date.now()));
const token = await server.token("ann", "admin");
const browser = await openBrowser();
try {
  if (directory === undefined) {
    const { page } = await openPage(browser, { width: 1280, height: 720 });
    await logIn(page, server.base, token);
    await page.getByText("4,000 machines").waitFor();
    await page.waitForTimeout(1000);
    await page.screenshot({ path: join(import.meta.dirname, "../../docs/pictures/dashboard.png") });
  } else {
    await mkdir(directory, { recursive: true });
    for (const view of views) await take(browser, view, { base: server.base, token, directory });
  }
} finally {
  await browser.close();
}
