import type { Browser, CDPSession, Page } from "playwright-core";
import { openPage } from "../tests/support/browser.ts";

/** What a browser shows and needs; times in milliseconds. */
export type PageFigures = {
  readonly firstLoadKiB: number;
  readonly firstPaintMs: number;
  readonly fleetAfterLoginMs: number;
  readonly frames: {
    readonly perSecond: number;
    readonly p50Ms: number;
    readonly p95Ms: number;
    readonly mostMs: number;
  };
  /** Share of a core that the page's main thread used. */
  readonly mainThreadPercent: { readonly idle: number; readonly changing: number };
  readonly heapMiB: number;
};

const notesTimes = `
  addEventListener("keydown", ({ key }) => { if (key === "Enter") globalThis.enteredAt = performance.now(); }, true);
  new MutationObserver(() => {
    if (globalThis.shownAt === undefined && document.querySelector("[data-feed=live]") && document.querySelector("canvas"))
      globalThis.shownAt = requestAnimationFrame(() => { globalThis.shownAt = performance.now(); });
  }).observe(document, { subtree: true, childList: true, attributes: true });
`;

const countsFrames = (ms: number) => `new Promise((done) => {
  const gaps = [];
  let last;
  const started = performance.now();
  const step = (now) => {
    if (last !== undefined) gaps.push(now - last);
    last = now;
    if (now - started < ${ms}) requestAnimationFrame(step);
    else done(gaps);
  };
  requestAnimationFrame(step);
})`;

/** Logs in, watches the arrival while rows change and while none does. */
export async function measurePage(
  browser: Browser,
  server: { readonly base: string; readonly token: string; readonly rows: (perSecond: number) => Promise<void> },
  of: { readonly seconds: number; readonly changesPerSecond: number },
): Promise<PageFigures> {
  const { page, context } = await openPage(browser, { width: 1920, height: 1080 });
  const { firstLoadKiB, firstPaintMs, fleetAfterLoginMs } = await firstLoad(page, server);
  const inspector = await context.newCDPSession(page);
  // By the thread's own time: what other programs take does not count.
  await inspector.send("Performance.enable", { timeDomain: "threadTicks" });
  await server.rows(of.changesPerSecond);
  await page.waitForTimeout(3000);
  const gaps: number[] = [];
  const changing = await mainThread(inspector, async () => {
    gaps.push(...((await page.evaluate(countsFrames(of.seconds * 1000))) as number[]));
  });
  await inspector.send("HeapProfiler.collectGarbage");
  const heapMiB = ((await metrics(inspector)).get("JSHeapUsedSize") ?? 0) / 2 ** 20;
  await server.rows(0);
  await page.waitForTimeout(5000);
  const idle = await mainThread(inspector, () => page.waitForTimeout(of.seconds * 1000));
  await context.close();
  gaps.sort((a, b) => a - b);
  const share = (part: number) => round(gaps[Math.floor((gaps.length - 1) * part)] ?? 0);
  const perSecond = round((1000 * gaps.length) / gaps.reduce((sum, gap) => sum + gap, 0));
  return {
    ...{ firstLoadKiB, firstPaintMs, fleetAfterLoginMs },
    frames: { perSecond, p50Ms: share(0.5), p95Ms: share(0.95), mostMs: share(1) },
    mainThreadPercent: { idle: round(idle), changing: round(changing) },
    heapMiB: round(heapMiB),
  };
}

async function firstLoad(page: Page, { base, token }: { readonly base: string; readonly token: string }) {
  await page.addInitScript(notesTimes);
  const sizes: Promise<number>[] = [];
  page.on("requestfinished", (request) => sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize)));
  await page.goto(base);
  const field = page.getByLabel("Token");
  await field.waitFor();
  await page.waitForLoadState("networkidle");
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  const firstPaintMs = await page.evaluate(
    `performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? -1`,
  );
  await field.fill(token);
  await page.keyboard.press("Enter");
  await page.locator("[data-feed=live]").waitFor();
  await page.waitForTimeout(500);
  const shown = await page.evaluate("globalThis.shownAt - globalThis.enteredAt");
  return {
    firstLoadKiB: round(bytes / 1024),
    firstPaintMs: round(Number(firstPaintMs)),
    fleetAfterLoginMs: round(Number(shown)),
  };
}

async function metrics(inspector: CDPSession): Promise<ReadonlyMap<string, number>> {
  const { metrics: all } = await inspector.send("Performance.getMetrics");
  return new Map(all.map(({ name, value }) => [name, value]));
}

/** The share of a core, in percent, that the page's tasks took while `work` ran. */
async function mainThread(inspector: CDPSession, work: () => Promise<void>): Promise<number> {
  const before = await metrics(inspector);
  const beganMs = performance.now();
  await work();
  const tookSeconds = (performance.now() - beganMs) / 1000;
  const after = await metrics(inspector);
  return (100 * ((after.get("TaskDuration") ?? 0) - (before.get("TaskDuration") ?? 0))) / tookSeconds;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
