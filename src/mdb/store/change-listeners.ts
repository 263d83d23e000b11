import type { Change, Log } from "../../core/ports.ts";

/** Those who are told of each change. */
export type ChangeListeners = {
  /** Returns what ends it. */
  readonly add: (listener: (change: Change) => void) => () => void;
  /** Tells all; one that throws keeps no change from the others. */
  readonly tell: (change: Change) => void;
};

/** Nobody yet. */
export function changeListeners(log: Log): ChangeListeners {
  const listeners = new Set<(change: Change) => void>();
  return {
    add: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell: (change) => {
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
