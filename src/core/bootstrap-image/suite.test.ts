import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseSuite } from "./suite.ts";

test("a first build takes Debian 13; one that is told nothing stays with the suite before", () => {
  for (const [architecture, asked, last, name, stays] of [
    ["amd64", undefined, undefined, "trixie", false],
    ["arm64", undefined, undefined, "trixie", false],
    ["amd64", undefined, "bookworm", "bookworm", true],
    ["amd64", undefined, "trixie-backports", "trixie-backports", true],
    ["amd64", undefined, "trixie", "trixie", false],
    ["amd64", "trixie", "bookworm", "trixie", false],
    ["amd64", "bookworm", "trixie", "bookworm", false],
  ] as const)
    assert.deepEqual(chooseSuite(architecture, asked, last), { name, stays }, `${architecture} ${asked} ${last}`);
});

test("a suite that an architecture does not have is refused, asked for or from the build before", () => {
  const refused = /arm64: expected the suite trixie or trixie-backports, found bookworm/;
  assert.throws(() => chooseSuite("arm64", "bookworm", undefined), refused);
  assert.throws(() => chooseSuite("arm64", undefined, "bookworm"), refused);
});
