import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { servedKernel } from "../../src/bootstrap-image/kernel/served-kernel.ts";

test("amd64 gets Debian's kernel unchanged, arm64 the same one compressed, which is made once", async (t) => {
  const cacheDirectory = await mkdtemp(join(tmpdir(), "birther-served-kernel-"));
  t.after(() => rm(cacheDirectory, { recursive: true }));
  const kernel = Buffer.from("MZ a kernel ".repeat(10_000));
  assert.equal(await servedKernel(kernel, { architecture: "amd64", cacheDirectory }), kernel);
  assert.deepEqual(await readdir(cacheDirectory), []);
  const of = { architecture: "arm64", cacheDirectory } as const;
  const served = await servedKernel(kernel, of);
  assert.ok(served.length < kernel.length / 10);
  assert.deepEqual(gunzipSync(served), kernel);
  assert.deepEqual(await servedKernel(kernel, of), served);
  assert.equal((await readdir(cacheDirectory)).length, 1);
  const other = Buffer.from("MZ another one");
  assert.deepEqual(gunzipSync(await servedKernel(other, of)), other);
});
