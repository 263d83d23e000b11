import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
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
