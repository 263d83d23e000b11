import { readdirSync, readFileSync, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../../../core/error-code.ts";
import { packLineBytes, readPackLine } from "../../../core/image/pack-index.ts";
import { isObjectName } from "../sha512.ts";

/** Where a store keeps its packs: `HEX`, and its index `HEX.index`. */
export function packsIn(directory: string): string {
  return join(directory, "packs");
}

/** How the name of an index ends. */
export const indexEnding = ".index";

/** Where a content is: bytes of a file. */
export type Location = { readonly path: string; readonly offset: number; readonly size: number };

/** A pack whose index is in memory, in which one is found without reading the rest. */
export type Pack = {
  readonly name: string;
  readonly path: string;
  readonly modifiedMs: number;
  /** Bytes of the pack: what a truncated one no longer has is missing. */
  readonly size: number;
  /** Bytes of the index, 163 for each content. */
  readonly index: Buffer;
};

/** Reads the index of a pack; undefined if the pack is gone, or its index is damaged: its contents are missing then. */
export function readPack(directory: string, name: string): Pack | undefined {
  const path = join(packsIn(directory), name);
  try {
    const { size, mtimeMs } = statSync(path);
    const index = readFileSync(`${path}${indexEnding}`);
    return index.length % packLineBytes === 0 ? { name, path, modifiedMs: mtimeMs, size, index } : undefined;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The names of all packs of a store that have an index. */
export function packNames(directory: string): readonly string[] {
  return readdirSync(packsIn(directory))
    .filter((name) => name.endsWith(indexEnding))
    .map((name) => name.slice(0, -indexEnding.length))
    .filter(isObjectName);
}

/** The content on a line of the index. */
export function entryAt({ index }: Pick<Pack, "index">, line: number) {
  const at = line * packLineBytes;
  return readPackLine(index.toString("latin1", at, at + packLineBytes - 1));
}

/** Number of contents. */
export function entriesIn({ index }: Pick<Pack, "index">): number {
  return index.length / packLineBytes;
}

/** Where a pack has a content; undefined if it has not. */
export function locate(pack: Pack, sha512: string): Location | undefined {
  const wanted = Buffer.from(sha512, "latin1");
  let from = 0;
  let to = entriesIn(pack);
  while (from < to) {
    const middle = (from + to) >> 1;
    const at = middle * packLineBytes;
    const order = pack.index.compare(wanted, 0, wanted.length, at, at + wanted.length);
    if (order === 0) {
      const entry = entryAt(pack, middle);
      if (entry === undefined || entry.offset + entry.size > pack.size) return undefined;
      return { path: pack.path, offset: entry.offset, size: entry.size };
    }
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return undefined;
}

/** The file of `HEX` or `HEX.index`, and its size; undefined for any other name. A pack without an index is none. */
export async function findPackFile(
  directory: string,
  name: string,
): Promise<{ readonly path: string; readonly size: number } | undefined> {
  const pack = name.endsWith(indexEnding) ? name.slice(0, -indexEnding.length) : name;
  if (!isObjectName(pack)) return undefined;
  const path = join(packsIn(directory), pack);
  try {
    const index = await stat(`${path}${indexEnding}`);
    return name === pack
      ? { path, size: (await stat(path)).size }
      : { path: `${path}${indexEnding}`, size: index.size };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
