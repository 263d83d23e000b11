/**
 * Pictures of the dashboard of 4,000 synthetic machines in the middle of their power-on. Without arguments: the one of the README.
 * With a directory: every screen, dialog and state there, in two sizes and both themes, and each screen at twice the size, for
 * people to look at: `index.html` there shows them all. Further words choose among them: those whose names contain one.
 *
 *     node_modules/.bin/node tests/dashboard/take-pictures.ts [DIRECTORY [WORD…]]
 */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { logIn, openBrowser, openPage } from "../support/browser.ts";
import { arrivingFleet } from "./fleet.ts";
import { moments } from "./moments.ts";
import { screens } from "./screens.ts";
import { type DashboardServer, startDashboardServer } from "./server.ts";
import { siteLog, sitePlan, siteStream } from "./site.ts";
import { wildFleet } from "./wild-fleet.ts";

type View = { readonly name: string; readonly width: number; readonly height: number; readonly dark: boolean };
type Picture = { readonly name: string; readonly show: (page: Page, base: string) => Promise<void> };

const views: readonly View[] = [
  ...[false, true].flatMap((dark) => [
    { name: dark ? "720-dark" : "720", width: 1280, height: 720, dark },
    { name: dark ? "1080-dark" : "1080", width: 1920, height: 1080, dark },
  ]),
  { name: "twice", width: 640, height: 360, dark: false },
];

const [directory, ...words] = process.argv.slice(2);
const nameOf = (path: string) => (path === "/" ? "arrival" : path.replace(/[^a-z0-9]+/gi, "-").replace(/^-/, ""));

/** Each screen, when its data is there. */
const screenPictures = (prefix: string, of: typeof screens): readonly Picture[] =>
  of.map(([path, text]) => ({
    name: prefix + nameOf(path),
    show: async (page, base) => {
      await page.goto(base + path);
      await page.locator("main").getByText(text).first().waitFor();
    },
  }));

async function takeAll(
  browser: Browser,
  server: DashboardServer,
  { pictures, directory }: { pictures: readonly Picture[]; directory: string },
): Promise<void> {
  const chosen = pictures.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  const token = await server.token(`ann-${Math.random().toString(36).slice(2, 8)}`, "admin");
  for (const view of chosen.length === 0 ? [] : views) {
    const { page, context } = await openPage(browser, view);
    await logIn(page, server.base, token);
    for (const { name, show } of chosen) {
      await show(page, server.base).catch(
        (cause: unknown) => void process.stderr.write(`${name}, ${view.name}: ${cause}\n`),
      );
      await page.waitForTimeout(300);
      await page.screenshot({ path: join(directory, `${name}-${view.name}.png`) });
    }
    await context.close();
  }
}

async function writeIndex(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".png")).sort();
  const figures = names.map((name) => `<figure><figcaption>${name}</figcaption><img src="${name}"></figure>`);
  await writeFile(join(directory, "index.html"), `<!doctype html>${figures.join("")}`);
}

await using server = await startDashboardServer(
  arrivingFleet(4000, Date.now()),
  directory === undefined ? {} : { plan: sitePlan() },
);
const browser = await openBrowser();
try {
  if (directory === undefined) {
    const { page } = await openPage(browser, { width: 1280, height: 720 });
    await logIn(page, server.base, await server.token("ann", "admin"));
    await page.getByText("4,000 machines").waitFor();
    await page.waitForTimeout(1000);
    await page.screenshot({ path: join(import.meta.dirname, "../../docs/pictures/dashboard.png") });
  } else {
    await mkdir(directory, { recursive: true });
    const { id } = server.store.find("r17u4") ?? server.store.list()[0] ?? process.exit(1);
    await server.store.putDocument({ kind: "imageStream", key: "compute", document: siteStream(id, Date.now()) });
    for (const [boot, lines] of siteLog) server.store.addLog(id, lines, boot);
    await server.token("ann", "admin");
    await takeAll(browser, server, { pictures: [...screenPictures("", screens), ...moments], directory });
    {
      await using wild = await startDashboardServer(wildFleet(60, Date.now()));
      const of = [
        ...["/", "/wrong", "/machines", "/networks", "/m/r0u0", "/m/r0u0?tab=burn-in", "/m/r0u0?tab=hardware"],
        ...["/m/r0u0?tab=events", "/m/r0u1", "/m/r0u1?tab=hardware", "/m/r0u2?tab=hardware"],
      ].map((path) => [path, /./] as const);
      await takeAll(browser, wild, { pictures: screenPictures("wild-", of), directory });
    }
    for (const machines of [0, 1]) {
      await using few = await startDashboardServer(arrivingFleet(machines, Date.now()));
      const of = ["/", "/wrong", "/machines", "/images", "/audit", "/tokens"].map((path) => [path, /./] as const);
      await takeAll(browser, few, { pictures: screenPictures(`${machines}-machines-`, of), directory });
    }
    await writeIndex(directory);
  }
} finally {
  await browser.close();
}
