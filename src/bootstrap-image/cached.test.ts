import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cached } from "./cached.ts";

test("a cached directory is filled once, appears when it is complete, and drafts of interrupted processes go", async (t) => {
  const cache = await mkdtemp(join(tmpdir(), "birther-cache-"));
  t.after(() => rm(cache, { recursive: true }));
  const [abandoned, underWay] = [join(cache, "tool-1.draft-old"), join(cache, "tool-1.draft-new")];
  for (const draft of [abandoned, underWay]) await mkdir(draft);
  const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000);
  await utimes(abandoned, twoDaysAgo, twoDaysAgo);

  let filled = 0;
  const fill = async (directory: string) => {
    filled += 1;
    await writeFile(join(directory, "file"), "");
    if (filled === 1) throw new Error("no luck");
  };
  await assert.rejects(cached(cache, "tool-1", fill), /no luck/);
  assert.deepEqual(await readdir(cache), ["tool-1.draft-new"]);
  const path = await cached(cache, "tool-1", fill);
  assert.equal(await cached(cache, "tool-1", fill), path);
  assert.equal(filled, 2);
  assert.deepEqual((await readdir(cache)).sort(), ["tool-1", "tool-1.draft-new"]);
});
