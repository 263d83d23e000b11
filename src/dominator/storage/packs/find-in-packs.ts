import { basename } from "node:path";
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
