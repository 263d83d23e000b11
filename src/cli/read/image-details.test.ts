import assert from "node:assert/strict";
import { test } from "node:test";
import { describeDifference, describeImage } from "./image-details.ts";

const esc = String.fromCharCode(27);
const none = { count: 0, first: [] };

test("image show: sizes, kernels, attributes, what is shared, and who uses it", () => {
  const lines = describeImage({
    ...{ name: "compute/3", entries: 6, bytes: 2048, importedAtMs: 0, source: `/src${esc}[2J` },
    ...{ directories: 1, files: 3, symlinks: 1, special: 0, hardLinks: 1, objects: 3, kernels: ["6.1.0-1"] },
    attributes: [{ name: "security.capability", files: 2 }],
    shared: [{ name: "compute/2", bytes: 1024 }],
    inStream: "current",
    requiredBy: { count: 12, first: ["r01u01", "r01u02"] },
    runBy: none,
  });
  const text = lines.join("\n");
  assert.match(text, /^compute\/3\s+imported .* from \/src/m);
  assert.equal(text.includes(esc), false);
  assert.match(text, /^attributes\s+security\.capability of 2 files$/m);
  assert.match(text, /^shared\s+1\.0 KiB with compute\/2$|^shared\s+.* with compute\/2$/m);
  assert.match(text, /^use\s+current version of its stream$/m);
  assert.match(text, /^required by\s+12 machines: r01u01, r01u02, …$/m);
  assert.match(text, /^run by\s+no machine$/m);
});

test("image diff: a sign, the path and in what it differs; then the counts and what is fetched", () => {
  const lines = describeDifference({
    ...{ from: "compute/1", to: "compute/2", added: 1, removed: 0, changed: 3, fetch: { objects: 1, bytes: 10 } },
    paths: [
      { path: "/a", change: "added" },
      { path: "/b", change: "changed", what: ["content", "time"] },
    ],
  });
  assert.deepEqual(lines.slice(0, 3), ["+ /a", "~ /b  (content, time)", "… and 2 more"]);
  assert.match(
    lines[3] ?? "",
    /^compute\/1 to compute\/2: 1 path added, 0 removed, 3 changed; to fetch: .* in 1 object$/,
  );
});
