import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const executablePath = "/usr/bin/chromium";
const args = [
  ...["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
  ...["--disable-sync", "--no-first-run"],
];

/** Debian's Chromium, without a window. */
export async function openBrowser(): Promise<Browser> {
  if (!existsSync(executablePath)) throw new Error("chromium is missing: apt-get install chromium");
  return await chromium.launch({ executablePath, args, headless: true });
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
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (/Content Security Policy|Trusted ?Type/i.test(text)) faults.push(`policy: ${text}`);
  });
  return { page, context, faults };
}

/** Logs in with a token and waits for the fleet. */
export async function logIn(page: Page, base: string, token: string, path = "/"): Promise<void> {
  await page.goto(base + path);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator("[data-feed=live]").waitFor();
}
