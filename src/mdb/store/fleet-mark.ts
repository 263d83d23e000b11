import { existsSync, writeFileSync } from "node:fs";
import type { Store } from "../../core/ports.ts";

const text = `This state directory has served a fleet. While this file is here no server starts on an empty machine database:
to it every machine is unknown, and those that ask on a nursery are installed anew, their disks erased.
`;

/**
 * Keeps a lost database from becoming a new fleet: a state directory that has served machines is marked, and an empty
 * database is refused there. Throws, saying what to do.
 */
export function guardFleet(of: {
  readonly store: Pick<Store, "position" | "watch">;
  /** The file that is the mark. */
  readonly mark: string;
  /** What the database is called in words. */
  readonly database: string;
}): void {
  const { store, mark, database } = of;
  const isMarked = existsSync(mark);
  if (store.position() === 0 && isMarked) {
    throw new Error(
      `${database} is empty, but this state directory has served a fleet; every machine that asks on a nursery would be installed anew: ` +
        `restore a backup (birther mdb restore) or copy the fleet there (birther mdb copy); to begin a new fleet remove ${mark}`,
    );
  }
  if (isMarked) return;
  if (store.position() > 0) {
    writeFileSync(mark, text);
    return;
  }
  const end = store.watch(() => {
    end();
    writeFileSync(mark, text);
  });
}
