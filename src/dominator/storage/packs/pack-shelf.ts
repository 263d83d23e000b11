import { mkdirSync, statSync } from "node:fs";
import { entriesIn, entryAt, type Location, locate, type Pack, packNames, packsIn, readPack } from "./pack-files.ts";

/** The packs of a store, their indexes in memory. */
export type PackShelf = {
  /** Where a content is; of several packs that have it the newest, because it replaces one that was damaged. */
  readonly find: (sha512: string) => Location | undefined;
  /** The names of all contents. */
  readonly names: () => Iterable<string>;
  readonly packs: () => readonly Pack[];
  /** Reads what other processes have added or removed. Cheap if there is nothing. */
  readonly refresh: () => void;
};

/** More than a step of the clock of any file system that counts in less than seconds. */
const clockStepMs = 100;

/** Opens the packs in the directory of a store, which is made if it is missing. */
export function openPackShelf(directory: string): PackShelf {
  mkdirSync(packsIn(directory), { recursive: true });
  let packs: readonly Pack[] = [];
  let readMs: number | undefined;
  const refresh = () => {
    const { mtimeMs } = statSync(packsIn(directory));
    if (mtimeMs === readMs) return;
    // The clock of a file system advances in steps: what follows within one would not be seen.
    readMs = Math.abs(Date.now() - mtimeMs) < clockStepMs ? undefined : mtimeMs;
    const known = new Map(packs.map((pack) => [pack.name, pack]));
    packs = packNames(directory)
      .flatMap((name) => known.get(name) ?? readPack(directory, name) ?? [])
      .sort((a, b) => b.modifiedMs - a.modifiedMs);
  };
  refresh();
  return {
    refresh,
    packs: () => packs,
    find: (sha512) => {
      for (const pack of packs) {
        const found = locate(pack, sha512);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    names: function* () {
      for (const pack of packs)
        for (let line = 0; line < entriesIn(pack); line += 1) {
          const sha512 = entryAt(pack, line)?.sha512;
          if (sha512 !== undefined) yield sha512;
        }
    },
  };
}
