import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildRecipe, demoRecipe } from "../../src/dominator/import/recipe.ts";
import { cacheDirectory } from "../../src/main/paths.ts";
import type { FaultyRack } from "../faults/faulty-rack.ts";
import { debian12 } from "../support/images-of-tests.ts";

/** The demo's system image with another kernel: the same one and a few bytes behind it, which only hashes see. */
export async function imageWithNewKernel({ directory }: FaultyRack): Promise<string> {
  const source = join(directory, "new-kernel");
  await mkdir(source);
  const archive = await buildRecipe({
    recipe: demoRecipe(debian12.system),
    cacheDirectory,
    log: () => {},
    onProgress: () => {},
  });
  await promisify(execFile)("tar", [
    "--extract",
    "--numeric-owner",
    "--xattrs",
    "--file",
    archive,
    "--directory",
    source,
  ]);
  const boot = join(source, "boot");
  const kernels = (await readdir(boot)).filter((name) => name.startsWith("vmlinuz-"));
  assert.equal(kernels.length, 1);
  await appendFile(join(boot, kernels[0] ?? ""), "another kernel\n");
  return source;
}
