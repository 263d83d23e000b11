import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { importImages } from "../../src/dominator/import/image.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { viewImages } from "../../src/dominator/storage/image-views.ts";
import { readManifest } from "../../src/dominator/storage/manifest-file.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { drawWholeSystem, wholeSystemPaths } from "../../src/dominator/testing/whole-system.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-image-"));
after(() => rmSync(directory, { recursive: true }));

test("import: one source becomes the next version of each stream, without what belongs to a machine", async () => {
  const source = join(directory, "source");
  mkdirSync(join(source, "etc"), { recursive: true });
  drawWholeSystem(source);
  writeFileSync(join(source, "etc/passwd"), "root\n");
  writeFileSync(join(source, "etc/hostname"), "of the computer that made the image\n");
  const images = await openImageStore(join(directory, "images"), { log: () => undefined });
  const objects = await openObjectStore(join(directory, "objects"));
  const input = { images, objects, source, nowMs: 7 };
  await importImages({ ...input, streams: ["compute"] });
  const added = await importImages({ ...input, streams: ["compute", "debug"] });
  assert.deepEqual(
    added.map(({ name, createdAtMs }) => [
      ...[name, createdAtMs],
      readManifest(images.pathOf(name), name).manifest.tree.entries.flatMap(([path]) =>
        path.startsWith("/etc") ? [path] : [],
      ),
    ]),
    ["compute/2", "debug/1"].map((name) => [name, 7, ["/etc", "/etc/passwd"]]),
  );
  assert.deepEqual(
    viewImages(images).map(({ name, entries, bytes }) => [name, entries, bytes]),
    ["compute/1", "compute/2", "debug/1"].map((name) => [name, wholeSystemPaths + 2, 6]),
  );
});

test("import: an incomplete system is refused with the names of what it lacks, and nothing is imported", async () => {
  const source = join(directory, "oci");
  mkdirSync(join(source, "blobs"), { recursive: true });
  writeFileSync(join(source, "oci-layout"), "{}");
  const images = await openImageStore(join(directory, "images-2"), { log: () => undefined });
  const objects = await openObjectStore(join(directory, "objects-2"));
  await assert.rejects(
    importImages({ images, objects, source, nowMs: 7, streams: ["compute"] }),
    /oci: expected a whole system .*, found one that lacks systemd .*\/bin\/sh.*a kernel with its initrd/,
  );
  assert.deepEqual(images.names(), []);
});
