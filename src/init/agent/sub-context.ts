import type { SubSettings } from "../../contract/sub.ts";
import type { Log } from "../../core/ports.ts";

/** What all parts of the sub stand on. */
export type SubContext = {
  /** Put before every path: empty for the machine's own root, a directory in tests. */
  readonly root: string;
  readonly settings: SubSettings;
  readonly log: Log;
  /** Takes the lines that the MDB is to keep: those of PID 1, as no journal has them. */
  readonly takeLines: () => readonly string[];
  /** To be called often in long work: reaps children and pets the watchdog where we are PID 1. */
  readonly alive: () => void;
  /** Gives the firmware time to come back from a restart before the watchdog bites, where we are PID 1. */
  readonly allowForRestart: () => void;
};
