import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { cached } from "./cached.ts";

async function emptyCache(t: TestContext): Promise<string> {
  const cache = await mkdtemp(join(tmpdir(), "birther-cache-"));
  t.after(() => rm(cache, { recursive: true }));
  return cache;
}

test("a cached directory is filled once and appears when it is complete", async (t) => {
  const cache = await emptyCache(t);
  let filled = 0;
  const fill = async (directory: string) => {
    filled += 1;
    await writeFile(join(directory, "file"), "");
    if (filled === 1) throw new Error("no luck");
  };
  await assert.rejects(cached(cache, "tool-1", fill), /no luck/);
  assert.deepEqual(await readdir(cache), []);
  const path = await cached(cache, "tool-1", fill);
  assert.equal(await cached(cache, "tool-1", fill), path);
  assert.equal(filled, 2);
  assert.deepEqual(await readdir(cache), ["tool-1"]);
});

test("drafts of interrupted processes go after a day, whatever time an archive gave to one under way", async (t) => {
  const cache = await emptyCache(t);
  const draft = join(cache, "tool-1.draft-x-tree-y");
  await mkdir(draft);
  const ofThePackage = new Date("2021-03-25");
  await utimes(draft, ofThePackage, ofThePackage);
  const noWork = async () => undefined;
  await cached(cache, "tool-2", noWork);
  assert.deepEqual((await readdir(cache)).sort(), ["tool-1.draft-x-tree-y", "tool-2"]);
  await cached(cache, "tool-3", noWork, Date.now() + 2 * 86_400_000);
  assert.deepEqual((await readdir(cache)).sort(), ["tool-2", "tool-3"]);
});
