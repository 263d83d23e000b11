import { existsSync, writeFileSync } from "node:fs";
import type { Store } from "../../core/ports.ts";

const text = `This state directory has served a fleet. While this file exists no server starts on an empty machine database:
there every machine would be unknown, and those that boot on a nursery would be reinstalled and their disks erased.
`;

/**
 * Keeps a lost database from becoming a new fleet: a state directory that has served machines is marked, and an empty
 * database is refused there. Throws an error with the next step.
 */
export function guardFleet(of: {
  readonly store: Pick<Store, "position" | "watch">;
  /** The path of the mark. */
  readonly mark: string;
  /** The database's name in messages. */
  readonly database: string;
}): void {
  const { store, mark, database } = of;
  const isMarked = existsSync(mark);
  if (store.position() === 0 && isMarked) {
    throw new Error(
      `${database}: expected the fleet that this state directory has served, found an empty database; every machine that boots on a nursery would be reinstalled. ` +
        `Restore a backup (birther mdb restore) or copy the fleet there (birther mdb copy); to start a new fleet, remove ${mark}`,
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
