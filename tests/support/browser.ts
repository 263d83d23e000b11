import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { lag } from "./browser-lag.ts";

/** What takes longer hangs: much longer than anything takes on a starved computer. */
const hangMs = 60_000;
const executablePath = "/usr/bin/chromium";
const args = [
  ...["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  ...["--disable-sync", "--no-first-run"],
];

/** Debian's Chromium, without a window. */
export async function openBrowser(): Promise<Browser> {
  if (!existsSync(executablePath)) throw new Error("chromium is missing: apt-get install chromium");
  return await chromium.launch({ executablePath, args, headless: true, timeout: 2 * hangMs });
}

/** A page that fails the test when a script fails or the policy of the page is violated; `faults` lists what it saw. */
export async function openPage(
  browser: Browser,
  options: { readonly width?: number; readonly height?: number; readonly dark?: boolean } = {},
): Promise<{ readonly page: Page; readonly context: BrowserContext; readonly faults: string[] }> {
  const { width = 1280, height = 720, dark = false } = options;
  const context = await browser.newContext({
    ...{ ignoreHTTPSErrors: true, viewport: { width, height }, colorScheme: dark ? "dark" : "light" },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(hangMs);
  const page = await context.newPage();
  await lag(page);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (/Content Security Policy|Trusted ?Type/i.test(text)) faults.push(`policy: ${text}`);
  });
  return { page, context, faults };
}

/**
 * Waits for a condition, bounded. Not `page.waitForFunction` with a text: the policy of the page forbids what it evaluates
 * later than at once, so it works only if the condition holds already.
 */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + hangMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`expected within ${hangMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Logs in with a token and waits for the fleet. */
export async function logIn(page: Page, base: string, token: string, path = "/"): Promise<void> {
  await page.goto(base + path);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator("[data-feed=live]").waitFor();
}
