import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openImageStore } from "../storage/image-store.ts";
import { viewImages } from "../storage/image-views.ts";
import { openObjectStore } from "../storage/object-store.ts";
import { importImages } from "./image.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-image-"));
after(() => rmSync(directory, { recursive: true }));

test("import: one source becomes the next version of each stream, without what belongs to a machine", async () => {
  const source = join(directory, "source");
  mkdirSync(join(source, "etc"), { recursive: true });
  writeFileSync(join(source, "etc/passwd"), "root\n");
  writeFileSync(join(source, "etc/hostname"), "of the computer that made the image\n");
  const images = await openImageStore(join(directory, "images"));
  const objects = await openObjectStore(join(directory, "objects"));
  const input = { images, objects, source, nowMs: 7 };
  await importImages({ ...input, streams: ["compute"] });
  const added = await importImages({ ...input, streams: ["compute", "debug"] });
  assert.deepEqual(
    added.map(({ name, createdAtMs, tree }) => [name, createdAtMs, tree.entries.map(([path]) => path)]),
    ["compute/2", "debug/1"].map((name) => [name, 7, ["/etc", "/etc/passwd"]]),
  );
  assert.deepEqual(
    viewImages(images).map(({ name, entries, bytes }) => [name, entries, bytes]),
    ["compute/1", "compute/2", "debug/1"].map((name) => [name, 2, 5]),
  );
});
