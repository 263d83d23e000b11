import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { logIn, openBrowser, openPage } from "../support/browser.ts";
import { arrivingFleet } from "./fleet.ts";
import { type DashboardServer, startDashboardServer } from "./server.ts";

describe("clean says before it is confirmed what will be lost, and does what was chosen", () => {
  let server: DashboardServer;
  let browser: Browser;
  let token: string;

  before(async () => {
    server = await startDashboardServer(arrivingFleet(80, Date.now()));
    token = await server.token("ann", "admin");
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });

  const act = async (page: Page, name: string) => {
    await page.goto(`${server.base}/m/${name}`);
    await page.getByRole("button", { name: "Act …" }).click();
    const dialog = page.getByRole("dialog", { name: `Act on ${name}` });
    await dialog.getByRole("radio", { name: /^clean/ }).check();
    return dialog;
  };

  test("all disks, which erase themselves: each is named before, those that stay are, and the record has the wish", async () => {
    const { page, context, faults } = await openPage(browser);
    await logIn(page, server.base, token);
    const dialog = await act(page, "r1u3");
    await dialog.getByLabel(/^Reason/).fill("next owner");
    const row = dialog.getByRole("region", { name: "what happens to each machine" }).getByRole("row").nth(1);
    const confirmation = dialog.getByRole("button", { name: "clean 1", exact: true });

    // Without more it takes the root disk, and says that the other disks stay.
    await dialog.getByRole("button", { name: "Show what would happen" }).click();
    // The form has the same sentence beside its choices, and stays until the answer comes.
    await confirmation.waitFor();
    await dialog.getByText("everything on its root disk and on the data disks of its layout is lost").waitFor();
    const plain = (await row.textContent()) ?? "";
    assert.equal(plain.match(/erases /g)?.length, 1, plain);
    assert.match(plain, /not touched: .*nvme1n1/);
    await dialog.getByRole("button", { name: "Back" }).click();

    await dialog.getByRole("checkbox", { name: /^erase all other disks/ }).check();
    await dialog.getByLabel("How to erase").selectOption("require");
    await dialog.getByText("birther clean r1u3 --reason 'next owner' --all-disks --sanitize").waitFor();
    await dialog.getByRole("button", { name: "Show what would happen" }).click();
    await dialog.getByText("All other disks that stay in it are erased, too.").waitFor();
    await dialog.getByText("where one cannot, nothing is written and the clean fails.").waitFor();
    const all = (await row.textContent()) ?? "";
    for (const disk of ["nvme1n1", "nvme2n1", "nvme3n1"]) assert.match(all, new RegExp(`erases disk /dev/${disk}`));
    const { id } = server.store.find("r1u3") ?? assert.fail();
    assert.equal(server.store.get(id)?.state, "healthy", "nothing has happened yet");

    await confirmation.click();
    await dialog.getByText("1 of 1 machine was changed").waitFor();
    const cleaned = server.store.get(id);
    assert.deepEqual([cleaned?.state, cleaned?.erase?.sanitize], ["clean", "require"]);
    assert.ok((cleaned?.erase?.disks?.length ?? 0) >= 3);
    const [entry] = await server.store.audit({ subject: id, limit: 1 });
    assert.deepEqual([entry?.by, entry?.request?.reason], ["ann (web)", "next owner"]);
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("what is confirmed is what was shown, whatever is chosen while the answer is under way", async () => {
    const { page, context, faults } = await openPage(browser);
    await logIn(page, server.base, token);
    const { promise: chosen, resolve: letGo } = Promise.withResolvers<void>();
    await page.route("**/v1/batch", async (route) => {
      await chosen;
      await route.continue();
    });
    const dialog = await act(page, "r1u6");
    await dialog.getByRole("radio", { name: /^hold/ }).check();
    await dialog.getByLabel(/^Reason/).fill("disk swap");
    await dialog.getByRole("button", { name: "Show what would happen" }).click();
    await dialog.getByRole("radio", { name: /^rebirth/ }).check();
    letGo();
    await dialog.getByText("hold: 1 of 1 machine accepts it.").waitFor();
    await dialog.getByText("birther hold r1u6 --reason 'disk swap'").waitFor();
    await dialog.getByRole("button", { name: "hold 1", exact: true }).click();
    await dialog.getByText("1 of 1 machine was changed").waitFor();
    const machine = server.store.find("r1u6");
    assert.deepEqual([machine?.state, machine?.conditions.map(({ kind }) => kind)], ["healthy", ["hold"]]);
    assert.deepEqual(faults, []);
    await context.close();
  });

  test("while one is running another is refused, and says so; with restart it begins anew", async () => {
    const { page, context, faults } = await openPage(browser);
    await logIn(page, server.base, token);
    const { id, macs } = server.store.find("r1u5") ?? assert.fail();
    const [mac = assert.fail()] = macs;
    const order = { id, tokenHash: "h1" } as const;
    for (const event of [
      { kind: "rebirthAsked", id, by: "test" },
      { kind: "orderIssued", ...order, expiresAtMs: Date.now() + 60_000 },
      { kind: "orderTaken", ...order, mac, bootId: "b1", sessionHash: "s1" },
    ] as const)
      assert.equal((await server.store.apply(event)).kind, "changed", event.kind);
    const dialog = await act(page, "r1u5");
    await dialog.getByRole("button", { name: "Show what would happen" }).click();
    await dialog.getByText("0 of 1 machine accept").waitFor();
    await dialog
      .getByText(/--restart/)
      .first()
      .waitFor();
    await dialog.getByRole("button", { name: "Back" }).click();
    await dialog.getByRole("checkbox", { name: /^also while a rebirth or clean is running/ }).check();
    await dialog.getByText("birther clean r1u5 --restart").waitFor();
    await dialog.getByRole("button", { name: "Show what would happen" }).click();
    await dialog.getByText("A rebirth or clean that is running stops and begins anew.").waitFor();
    await dialog.getByRole("button", { name: "clean 1", exact: true }).click();
    await dialog.getByText("1 of 1 machine was changed").waitFor();
    assert.equal(server.store.get(id)?.state, "clean");
    assert.deepEqual(faults, []);
    await context.close();
  });
});
