import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { versionOf } from "./debian/source.ts";
import { nativePieces } from "./native-pieces.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("docs/bootstrap-image.md shows the versions of native code", () => {
  const document = read("docs/bootstrap-image.md");
  for (const { name, version, from, package: packageName } of nativePieces)
    assert.ok(document.includes(`| ${name} | ${version} | ${from} | \`${packageName}\` |`), `no row for ${name}`);
});

test("the table has the npm packages at the versions of the lock file", () => {
  const { packages } = JSON.parse(read("package-lock.json"));
  for (const { package: name, version } of nativePieces.filter(({ from }) => from === "npm"))
    assert.equal(packages[`node_modules/${name}`].version, version);
});

test("the version of a source package is the newest of its changelog", () => {
  assert.equal(
    versionOf("mbedtls (3.6.6-0.1~deb13u1) trixie; urgency=medium\n\n  * x\n\nmbedtls (3.6.5-1) s"),
    "3.6.6-0.1~deb13u1",
  );
  assert.throws(() => versionOf("nonsense"), /expected a version, found nonsense/);
});
