import { basename, join } from "node:path";
import type { FindInPacks } from "../../../core/image/pack-locations.ts";
import { openPackShelf, type PackShelf } from "./pack-shelf.ts";

/** Finds contents in the packs of a store. */
export function findInPacks(shelf: PackShelf): FindInPacks {
  return (sha512) => {
    const found = shelf.find(sha512);
    return found === undefined ? undefined : { pack: basename(found.path), offset: found.offset };
  };
}

/** Opens the packs of a directory at the first call; each call notices new and removed ones. */
export function finderIn(directory: string): () => FindInPacks {
  let shelf: PackShelf | undefined;
  return () => {
    shelf ??= openPackShelf(directory);
    shelf.refresh();
    return findInPacks(shelf);
  };
}

/** Finds contents in the packs of the public store, or in those of the confidential one of a stream. */
export type FindInStores = (confidentialStream: string | undefined) => FindInPacks;

/** Where the public contents are, and those of confidential images, by stream. */
export type StoreDirectories = { readonly objects: string; readonly confidential: string };

/** Opens each store at the first call for it. */
export function finderInStores(directories: StoreDirectories): FindInStores {
  const findOpen = finderIn(directories.objects);
  const ofStreams = new Map<string, () => FindInPacks>();
  return (stream) => {
    if (stream === undefined) return findOpen();
    const find = ofStreams.get(stream) ?? finderIn(join(directories.confidential, stream));
    ofStreams.set(stream, find);
    return find();
  };
}
