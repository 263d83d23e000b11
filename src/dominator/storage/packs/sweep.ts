import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Swept } from "../../../core/image/catalogue/collected.ts";
import type { PackEntry } from "../../../core/image/pack-index.ts";
import { looseObjects } from "../loose-objects.ts";
import { objectPath } from "../object-draft.ts";
import { isObjectName } from "../sha512.ts";
import { syncFileSystem } from "../sync-file-system.ts";
import { entriesIn, entryAt, indexEnding, type Pack, packsIn } from "./pack-files.ts";
import { openPackShelf } from "./pack-shelf.ts";
import { openPackWriter, type PackWriter } from "./pack-writer.ts";

/** What is to be swept, and how. */
export type SweepInput = {
  readonly directory: string;
  readonly isNeeded: (sha512: string) => boolean;
  /** Also objects in files of their own. */
  readonly loose: boolean;
  /** Only what is older: an interrupted import or copy continues with what it has stored. */
  readonly olderThanMs: number;
  /** Says what would be removed, and removes nothing. */
  readonly isDryRun: boolean;
};

/**
 * Removes the contents that are not needed from the store of a directory: files of their own, packs of which nothing is needed, and,
 * where less than half of a pack is, the pack after its needed contents were written into another one. So up to half of a pack may
 * stay that nothing needs. Of contents that several packs have, the newest one counts, as for readers. Nothing may be stored
 * meanwhile (store-lock.ts). After a power cut or a kill the next sweep finishes the work.
 */
export async function sweep(input: SweepInput): Promise<Swept> {
  const { directory, isDryRun } = input;
  const found = judge(input);
  if (!isDryRun) {
    await removeHalves(directory);
    await removePacks(directory, found);
  }
  const { objects, bytes } = await sweepLoose(input, found.packed);
  return { ...found.swept, objects: found.swept.objects + objects, bytes: found.swept.bytes + bytes };
}

/** A pack that is to go, and those of its contents that are needed. */
type Going = { readonly pack: Pack; readonly needed: readonly PackEntry[] };

function judge({ directory, isNeeded, olderThanMs }: SweepInput) {
  const packed = new Set<string>();
  const going: Going[] = [];
  const swept = { objects: 0, bytes: 0, movedBytes: 0, leftBytes: 0 };
  for (const pack of openPackShelf(directory).packs()) {
    const contents = contentsOf(pack);
    const needed = contents.filter(({ sha512 }) => isNeeded(sha512) && !packed.has(sha512));
    for (const { sha512 } of needed) packed.add(sha512);
    const neededBytes = needed.reduce((sum, { size }) => sum + size, 0);
    if (neededBytes * 2 >= pack.size || pack.modifiedMs > olderThanMs) swept.leftBytes += pack.size - neededBytes;
    else {
      going.push({ pack, needed });
      swept.objects += contents.length - needed.length;
      swept.bytes += pack.size - neededBytes;
      swept.movedBytes += neededBytes;
    }
  }
  return { packed, going, swept };
}

/** Writes what is needed into new packs; these are on the disk before the old ones go. */
async function removePacks(directory: string, { going }: { readonly going: readonly Going[] }): Promise<void> {
  if (going.length === 0) return;
  const writer = openPackWriter(directory);
  const whole: Pack[] = [];
  try {
    for (const { pack, needed } of going) {
      let isWhole = true;
      for (const entry of needed) isWhole = (await copyInto(writer, pack, entry)) && isWhole;
      // A damaged content is not lost more than it is: an import of its image writes it again, and then the pack goes.
      if (isWhole) whole.push(pack);
    }
    writer.seal();
  } finally {
    writer.discard();
  }
  await syncFileSystem(directory);
  const kept = new Set(
    openPackShelf(directory)
      .packs()
      .flatMap(({ name, modifiedMs }) => `${name} ${modifiedMs}`),
  );
  for (const { path, name, modifiedMs } of whole) {
    // What was written again may be the same pack, with the same name.
    if (!kept.has(`${name} ${modifiedMs}`)) continue;
    await rm(`${path}${indexEnding}`, { force: true });
    await rm(path, { force: true });
  }
}

/** Packs without an index, and indexes without a pack, are what a power cut left of one that appeared or went. */
async function removeHalves(directory: string): Promise<void> {
  const names = new Set(await readdir(packsIn(directory)));
  for (const name of names) {
    const isIndex = name.endsWith(indexEnding);
    const pack = isIndex ? name.slice(0, -indexEnding.length) : name;
    const other = isIndex ? pack : `${name}${indexEnding}`;
    if (isObjectName(pack) && !names.has(other)) await rm(join(packsIn(directory), name), { force: true });
  }
}

async function sweepLoose(input: SweepInput, packed: ReadonlySet<string>): Promise<Pick<Swept, "objects" | "bytes">> {
  const { directory, isNeeded, olderThanMs, isDryRun, loose } = input;
  const swept = { objects: 0, bytes: 0 };
  if (!loose) return swept;
  for await (const sha512 of looseObjects(directory)) {
    if (isNeeded(sha512) && !packed.has(sha512)) continue;
    const path = objectPath(directory, sha512);
    const { size, mtimeMs } = await stat(path);
    if (mtimeMs > olderThanMs) continue;
    swept.bytes += size;
    swept.objects += 1;
    if (!isDryRun) await rm(path);
  }
  return swept;
}

/** The contents that a pack really has, in their order. */
function contentsOf(pack: Pack): readonly PackEntry[] {
  return Array.from({ length: entriesIn(pack) }, (_, line) => entryAt(pack, line))
    .filter((entry) => entry !== undefined)
    .filter(({ offset, size }) => offset + size <= pack.size)
    .sort((a, b) => a.offset - b.offset);
}

/** Copies a content; false if it is damaged. */
async function copyInto(writer: PackWriter, { path }: Pack, { sha512, offset, size }: PackEntry): Promise<boolean> {
  const draft = writer.begin({ evenIfStored: true });
  const sum = createHash("sha512");
  try {
    const range = { start: offset, end: offset + size - 1 };
    for await (const piece of createReadStream(path, { ...range, highWaterMark: 1 << 20 })) {
      sum.update(piece);
      draft.write(piece);
    }
    if (sum.digest("hex") !== sha512) return false;
    draft.finish();
    return true;
  } finally {
    draft.discard();
  }
}
