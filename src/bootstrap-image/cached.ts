import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** A short name for the inputs of a build step: 16 hex digits of SHA-256 over all of them. */
export function keyOf(inputs: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const input of inputs) hash.update(`${input.length}:`).update(input);
  return hash.digest("hex").slice(0, 16);
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

const draftMark = ".draft-";
/** No build step takes as long: a draft of this age belongs to a process that was interrupted. */
const abandonedMs = 24 * 3_600_000;

async function removeAbandonedDrafts(cacheDirectory: string, nowMs: number): Promise<void> {
  const names = (await readdir(cacheDirectory)).filter((name) => name.includes(draftMark));
  for (const name of names) {
    const path = join(cacheDirectory, name);
    // Another process may remove it at the same time. Not mtime: dpkg-deb gives the draft that of the package's root.
    const changedMs = (await stat(path).catch(() => undefined))?.ctimeMs;
    if (changedMs !== undefined && nowMs - changedMs > abandonedMs) await rm(path, { recursive: true, force: true });
  }
}

/**
 * The directory `name` below `cacheDirectory`; `fill` makes it if it is missing. It appears under its name only when it
 * is complete. When two processes make it at once, both use the one that was renamed first.
 */
export async function cached(
  cacheDirectory: string,
  name: string,
  fill: (directory: string) => Promise<void>,
  nowMs = Date.now(),
): Promise<string> {
  const final = join(cacheDirectory, name);
  if (await isThere(final)) return final;
  await mkdir(cacheDirectory, { recursive: true });
  await removeAbandonedDrafts(cacheDirectory, nowMs);
  const draft = await mkdtemp(`${final}${draftMark}`);
  try {
    await fill(draft);
    await rename(draft, final).catch(async (cause: unknown) => {
      if (!(await isThere(final))) throw cause;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return final;
}
