import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { readRecipe } from "./recipe.ts";

const recipes = join(import.meta.dirname, "../../recipes");
const least = { suite: "bookworm", packages: ["linux-image-amd64", "systemd-sysv", "initramfs-tools"] };

test("recipes: those of the repository are valid, with a kernel for real hardware", () => {
  const files = globSync("*.yaml", { cwd: recipes }).sort();
  assert.deepEqual(files, ["compute.yaml", "debug.yaml", "storage.yaml"]);
  for (const file of files) {
    const result = readRecipe(parse(readFileSync(join(recipes, file), "utf8")));
    assert.ok(result.kind === "recipe", JSON.stringify(result));
    const { architecture = "amd64", packages } = result.recipe;
    assert.ok(packages.includes(`linux-image-${architecture}`), file);
  }
});

test("recipes: a fault is named with its place and what to write", () => {
  const packages = least.packages;
  for (const [change, said] of [
    [{ suite: "Book Worm" }, /^suite: expected a suite of Debian, such as bookworm$/],
    [{ packages: packages.slice(1) }, /^packages: expected a kernel; add linux-image-amd64/],
    [{ packages: packages.slice(0, 2) }, /^packages: expected initramfs-tools; add it$/],
    [{ packages: [...packages, "a b"] }, /^packages\.3: expected the name of a package/],
    [{ packages: [...packages, "x;reboot"] }, /^packages\.3: expected the name of a package/],
    [{ packages: [...packages, "--hook"] }, /^packages\.3: expected the name of a package/],
    [{ files: [{ path: "/etc/../x", text: "" }] }, /^files\.0\.path: expected an absolute path/],
    [{ files: [{ path: "/a b", text: "" }] }, /^files\.0\.path: expected an absolute path/],
    [{ files: [{ path: "/a", text: "", mode: "9" }] }, /^files\.0\.mode: expected an octal mode in quotes/],
    [{ architecture: "riscv64" }, /^architecture: expected amd64 or arm64$/],
    [{ architecture: "arm64" }, /^packages: expected a kernel for arm64, .*such as linux-image-arm64$/],
    [{ packages: [...packages, "linux-image-rt-arm64"] }, /^packages: expected a kernel for amd64/],
    [{ hook: [] }, /^hook: unknown key$/],
  ] as const) {
    const result = readRecipe({ ...least, ...change });
    assert.ok(result.kind === "faults", JSON.stringify(change));
    assert.match(result.faults, said);
  }
  assert.equal(readRecipe(null).kind, "faults");
  const whole = { ...least, leftOut: [], files: [], hooks: [] };
  assert.deepEqual(readRecipe(least), { kind: "recipe", recipe: whole });
});
