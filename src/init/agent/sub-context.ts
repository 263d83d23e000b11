import type { SubSettings } from "../../contract/sub.ts";
import type { Log } from "../../core/ports.ts";

/** The context of all parts of the agent. */
export type SubContext = {
  /** Prefix of every path: empty for the machine's own root, a directory in tests. */
  readonly root: string;
  readonly settings: SubSettings;
  /** The version of this agent. */
  readonly version: string;
  readonly log: Log;
  /** Takes the log lines for the MDB. */
  readonly takeLines: () => readonly string[];
  /** Called often during long work; as PID 1 it reaps children and pets the watchdog. */
  readonly alive: () => void;
  /** As PID 1, gives the firmware time to restart before the watchdog resets the machine. */
  readonly allowForRestart: () => void;
};
