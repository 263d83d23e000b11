import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Debian, openDebian } from "../../src/bootstrap-image/debian/packages.ts";
import { fetchLoaders } from "../../src/bootstrap-image/loader/loaders.ts";
import { type BootstrapSuite, defaultSuite } from "../../src/core/bootstrap-image/suite.ts";
import { cacheDirectory } from "../../src/main/paths.ts";

/** Today's packages of a suite. What was prepared before lies in the cache, so that it works without a network. */
export function debianOf(suite: BootstrapSuite = defaultSuite): Promise<Debian> {
  return openDebian({ suite, cacheDirectory, log: () => {} });
}

/** A directory with the boot loaders of a suite, until disposal. */
export async function loadersOf(suite: BootstrapSuite = defaultSuite) {
  const directory = await mkdtemp(join(tmpdir(), "birther-loaders-"));
  await fetchLoaders({ debian: await debianOf(suite), cacheDirectory, outputDirectory: directory });
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}
