import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { eventListing } from "../cli/output/event-text.ts";
import { csvOf, type Listing } from "../cli/output/listing.ts";
import { machineListing } from "../cli/output/machine-columns.ts";
import { changeListing } from "../cli/read/audit.ts";
import { figureListing, siblingListing } from "../cli/read/burn-in.ts";
import { erasureListing } from "../cli/read/erasures.ts";
import { pathListing } from "../cli/read/image-details.ts";
import { imageListing } from "../cli/read/images.ts";
import { logListing } from "../cli/read/log.ts";
import { networkListing } from "../cli/read/networks.ts";
import { packetListing } from "../cli/read/packets.ts";
import { lessonListing } from "../cli/read/quirks.ts";
import { causeListing, rackListing } from "../cli/read/racks.ts";
import { labListing } from "../cli/server/lab.ts";
import { slotListing } from "../cli/server/plan.ts";
import { tokenListing } from "../cli/server/tokens.ts";
import { checkConfig } from "../contract/config/parse.ts";

const home = join(import.meta.dirname, "../..");
const documents = globSync("**/*.md", { cwd: home, exclude: ["node_modules", "build"] });
const textOf = (path: string) => readFileSync(join(home, path), "utf8");

test("every path of the repository that a document names exists", () => {
  const named = documents.flatMap((document) =>
    [...textOf(document).matchAll(/`((?:src|tests|docs|packaging|bench)\/[\w./-]*)`/g)].map(([, path = ""]) => ({
      document,
      path,
    })),
  );
  assert.ok(named.length > 100);
  assert.deepEqual(
    named.filter(({ path }) => !existsSync(join(home, path))),
    [],
  );
});

test("every link between documents leads to a file", () => {
  const links = documents.flatMap((document) =>
    [...textOf(document).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, path = ""]) => ({ document, path })),
  );
  assert.ok(links.length > 20);
  assert.deepEqual(
    links.filter(({ document, path }) => !existsSync(join(home, dirname(document), path))),
    [],
  );
});

test("the configuration in the README is accepted, without a warning", () => {
  const yaml = /```yaml\n(.*?)```/s.exec(textOf("README.md"))?.[1] ?? "";
  const result = checkConfig(parse(yaml));
  assert.ok(result.kind === "config", JSON.stringify(result));
  assert.deepEqual(result.warnings, []);
});

test("the glossary has at most 40 entries, in alphabetical order", () => {
  const names = [...textOf("docs/glossary.md").matchAll(/^\*\*(.+?)\*\*/gm)].map(([, name = ""]) => name);
  assert.ok(names.length > 20 && names.length <= 40, `${names.length} entries`);
  assert.deepEqual(
    names,
    [...names].sort((a, b) => a.localeCompare(b, "en")),
  );
});

const listings: { readonly [verb: string]: Pick<Listing<never>, "columns"> } = {
  machines: machineListing,
  racks: rackListing,
  failures: causeListing,
  burnin: figureListing,
  "burnin NAME": siblingListing,
  networks: networkListing,
  events: eventListing,
  audit: changeListing,
  log: logListing,
  packets: packetListing,
  quirks: lessonListing,
  erasures: erasureListing,
  "image list": imageListing,
  "image diff": pathListing,
  "tokens list": tokenListing,
  plan: slotListing,
  "lab list": labListing,
};

for (const [verb, listing] of Object.entries(listings))
  test(`the header of ${verb} -o csv is the documented one`, () => {
    const documented = textOf("docs/operating.md").replace(/,\n +/g, ",");
    const header = csvOf(listing, []).trimEnd();
    assert.ok(documented.includes(`\n    ${verb.padEnd(14)}${header}\n`), `${verb}: ${header}`);
  });
