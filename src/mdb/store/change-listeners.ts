import type { Change, Log } from "../../core/ports.ts";

/** The listeners to changes. */
export type ChangeListeners = {
  /** Returns a function that unsubscribes. */
  readonly add: (listener: (change: Change) => void) => () => void;
  /** Notifies all; one that throws does not affect the others. */
  readonly notify: (change: Change) => void;
};

/** No listeners yet. */
export function changeListeners(log: Log): ChangeListeners {
  const listeners = new Set<(change: Change) => void>();
  return {
    add: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    notify: (change) => {
      for (const listener of listeners) {
        try {
          listener(change);
        } catch (cause) {
          log("error", "a watcher of the MDB failed", { cause });
        }
      }
    },
  };
}
