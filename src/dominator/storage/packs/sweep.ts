import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import type { PackEntry } from "../../../core/image/pack-index.ts";
import { looseObjects } from "../loose-objects.ts";
import { objectPath } from "../object-draft.ts";
import { entriesIn, entryAt, indexEnding, type Pack } from "./pack-files.ts";
import { openPackShelf } from "./pack-shelf.ts";
import { openPackWriter } from "./pack-writer.ts";

/** What was removed from a store. */
export type Swept = { readonly objects: number; readonly bytes: number };

/**
 * Removes the contents that are not needed from the store of a directory: files of their own, packs of which nothing is needed, and,
 * where less than half of a pack is, the pack after its needed contents were written into another one. So up to half of a pack may stay that
 * nothing needs. No import may run meanwhile: it relies on contents that are stored already.
 */
export async function sweep(directory: string, isNeeded: (sha512: string) => boolean): Promise<Swept> {
  let objects = 0;
  let bytes = 0;
  const writer = openPackWriter(directory);
  const going: Pack[] = [];
  for (const pack of openPackShelf(directory).packs()) {
    const needed = contentsOf(pack).filter(({ sha512 }) => isNeeded(sha512));
    const neededBytes = needed.reduce((sum, { size }) => sum + size, 0);
    if (neededBytes * 2 >= pack.size) continue;
    for (const entry of needed) await copyInto(writer, pack, entry);
    going.push(pack);
    objects += entriesIn(pack) - needed.length;
    bytes += pack.size - neededBytes;
  }
  writer.seal();
  for (const { path } of going) {
    await rm(`${path}${indexEnding}`, { force: true });
    await rm(path, { force: true });
  }
  for await (const sha512 of looseObjects(directory)) {
    if (isNeeded(sha512)) continue;
    const path = objectPath(directory, sha512);
    bytes += (await stat(path)).size;
    objects += 1;
    await rm(path);
  }
  return { objects, bytes };
}

function contentsOf(pack: Pack): readonly PackEntry[] {
  return Array.from({ length: entriesIn(pack) }, (_, line) => entryAt(pack, line))
    .filter((entry) => entry !== undefined)
    .sort((a, b) => a.offset - b.offset);
}

async function copyInto(
  writer: ReturnType<typeof openPackWriter>,
  { path }: Pack,
  { offset, size }: PackEntry,
): Promise<void> {
  const draft = writer.begin({ evenIfStored: true });
  try {
    const range = { start: offset, end: offset + size - 1 };
    for await (const piece of createReadStream(path, { ...range, highWaterMark: 1 << 20 })) draft.write(piece);
    draft.finish();
  } finally {
    draft.discard();
  }
}
