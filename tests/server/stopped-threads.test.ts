import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { copyInThread } from "../../src/dominator/copies/copy-thread.ts";
import { collectInThread } from "../../src/dominator/storage/collect/collect-thread.ts";

const signal = AbortSignal.abort(new Error("the server stops"));
const nowhere = join(tmpdir(), "birther-never-made");

test("a collection that would begin while the server stops does not begin", async () => {
  const input = { images: nowhere, objects: nowhere, confidentialObjects: nowhere, olderThanMs: 0, isDryRun: true };
  await assert.rejects(collectInThread(input, signal), /the server stops/);
});

test("a copy that would begin while the server stops does not begin", async () => {
  const image = { name: "compute/1", path: nowhere, newName: "compute/2", newPath: nowhere };
  await assert.rejects(
    copyInThread({ kind: "rename", image }, { onProgress: () => assert.fail(), signal }),
    /the server stops/,
  );
});
