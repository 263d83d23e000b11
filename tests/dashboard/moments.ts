import type { Page } from "playwright-core";

/** What a screen shows only after an operator did something, and states that a path alone does not lead to. */
export const moments: readonly {
  readonly name: string;
  readonly show: (page: Page, base: string) => Promise<void>;
}[] = [
  {
    name: "slot-never-heard",
    show: async (page, base) => {
      await page.goto(`${base}/`);
      await page.getByText("4,000 machines").waitFor();
      await page.getByRole("listbox", { name: /^slots/ }).focus();
      await page.keyboard.press("End");
      await page.getByText(/never heard from, expected at/).waitFor();
    },
  },
  {
    name: "arrival-filtered",
    show: async (page, base) => {
      await page.goto(`${base}/?w=status%3Dfailing`);
      await page.getByText("4,000 machines").waitFor();
    },
  },
  {
    name: "act-form",
    show: async (page, base) => {
      await page.goto(`${base}/m/r17u4`);
      await page.getByRole("button", { name: "Act …" }).click();
    },
  },
  {
    name: "act-on-many",
    show: async (page, base) => {
      await page.goto(`${base}/machines?w=group%3Dteam-1`);
      await page.getByRole("button", { name: /^Select all 5/ }).click();
      await page.getByRole("button", { name: /^Act on 5/ }).click();
      await page.getByRole("radio", { name: /^rebirth/ }).check();
      await page.getByRole("button", { name: "Show what would happen" }).click();
      await page.getByText("too many machines at once").waitFor();
    },
  },
  {
    name: "search",
    show: async (page, base) => {
      await page.goto(`${base}/wrong`);
      await page.getByRole("heading", { name: "What is wrong now" }).waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("r17");
      await page.getByRole("option").first().waitFor();
    },
  },
  {
    name: "keys",
    show: async (page, base) => {
      await page.goto(`${base}/wrong`);
      await page.getByRole("heading", { name: "What is wrong now" }).waitFor();
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keys" }).waitFor();
    },
  },
  {
    name: "revoke",
    show: async (page, base) => {
      await page.goto(`${base}/tokens`);
      await page.getByRole("button", { name: /^Revoke ann …/ }).click();
      await page
        .getByRole("dialog")
        .getByLabel(/^Reason/)
        .fill("left the company");
    },
  },
  {
    name: "token-made",
    show: async (page, base) => {
      await page.goto(`${base}/tokens`);
      await page.getByRole("textbox", { name: "Name" }).fill(`made-${Math.random().toString(36).slice(2, 7)}`);
      await page.getByRole("button", { name: "Create", exact: true }).click();
      await page.getByText("this is shown only once").waitFor();
    },
  },
  ...[
    ["failing", "/m/r0u7"],
    ["held", "/m/r0u11"],
    ["slow-disk", "/m/r1u2?tab=burn-in"],
  ].map(([name, path]) => ({
    name: `machine-${name}`,
    show: async (page: Page, base: string) => {
      await page.goto(`${base}${path}`);
      await page.getByText(/^Phases of generation/).waitFor();
    },
  })),
];
