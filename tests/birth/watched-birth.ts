import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { type Phase, phases } from "../../src/core/machine/phase.ts";
import { openBrowser, openPage } from "../support/browser.ts";
import { waitFor } from "../support/inside-namespace.ts";
import { birther, type RunningDemo } from "./birther-cli.ts";

/** The dashboard of a demo in a browser outside its namespace, open at the list of machines. */
export type WatchedBirth = AsyncDisposable & {
  /** Waits until all machines that the page shows are up, and checks that it showed how they came there. */
  readonly up: (names: readonly string[]) => Promise<void>;
};

/** Opens the dashboard by a one-time link, as `birther dashboard` prints it, as soon as the server answers. */
export async function watchBirth(demo: RunningDemo, state: string): Promise<WatchedBirth> {
  await using life = new AsyncDisposableStack();
  const link = await waitFor("a link to the dashboard", 10 * 60, async () => {
    if (demo.process.exitCode !== null) throw new Error(`the demo ended with status ${demo.process.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return await birther("dashboard", "--state", state).catch(() => undefined);
  });
  const [url] = link.trim().split("\n");
  assert.match(url ?? "", /^https:\/\/127\.0\.0\.1:\d+\/login#/);
  const browser = await openBrowser();
  life.defer(() => browser.close());
  const { page, faults } = await openPage(browser);
  await page.goto(url ?? "");
  await page.locator("[data-feed=live]").waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("m");
  await page.getByRole("grid", { name: "machines" }).waitFor();
  await notePhases(page);
  const running = life.move();
  return {
    up: async (names) => {
      for (const name of names) {
        const row = page.locator(".body [role=row]").filter({ hasText: name });
        await row.locator("[data-phase=up]").waitFor();
        const seen = await seenPhases(page, name);
        for (const phase of ["fetching", "up"] as const)
          assert.ok(seen.includes(phase), `${name}: ${phase} in ${seen}`);
        const order = seen.map((phase) => phases.indexOf(phase));
        assert.deepEqual(
          order,
          [...order].sort((a, b) => a - b),
          `${name}: ${seen}`,
        );
      }
      await page.keyboard.press("g");
      await page.keyboard.press("a");
      await page.getByRole("link", { name: `${names.length} up`, exact: true }).waitFor();
      await page.getByText("nothing on its way").waitFor();
      assert.deepEqual(faults, []);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Lets the page note each phase that it shows, so that none is missed between two questions. */
async function notePhases(page: Page): Promise<void> {
  await page.evaluate(`(() => {
    const seen = (globalThis.seenPhases = {});
    const look = () => {
      for (const row of document.querySelectorAll(".body [role=row]")) {
        const name = row.querySelector("a")?.textContent ?? "";
        const phase = row.querySelector("[data-phase]")?.dataset.phase ?? "";
        const list = (seen[name] ??= []);
        if (phase !== "" && list.at(-1) !== phase) list.push(phase);
      }
    };
    new MutationObserver(look).observe(document.querySelector(".body"), { subtree: true, childList: true, attributes: true, characterData: true });
    look();
  })()`);
}

async function seenPhases(page: Page, name: string): Promise<readonly Phase[]> {
  return (await page.evaluate(`globalThis.seenPhases[${JSON.stringify(name)}] ?? []`)) as readonly Phase[];
}
