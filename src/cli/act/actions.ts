import type { Config } from "../../contract/config/schema.ts";
import type { ImageView } from "../../contract/operator/views.ts";

/** What the Bootstrap Image came to, in bytes on the wire. */
export type BootstrapView = {
  readonly kernelBytes: number;
  readonly initramfsBytes: number;
  readonly totalBytes: number;
  readonly kernelVersion: string;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  readonly driverFamilies: number;
};

/** How far a copy is: rows, or bytes. */
export type Progress = (done: number, total: number) => void;

/** What verbs need of rooms that cli may not enter; main gives it (star rule, DESIGN §4). */
export type Actions = {
  /** Serves until a signal ends it. */
  readonly serve: (options: {
    readonly config: Config;
    readonly logJson: boolean;
    readonly verbose: boolean;
  }) => Promise<void>;
  /** Builds the Bootstrap Image of a state directory, or finds it built. */
  readonly buildBootstrapImage: (stateDirectory: string) => Promise<BootstrapView>;
  readonly listImages: (stateDirectory: string) => Promise<readonly ImageView[]>;
  /** Imports a tree as the next version of a stream. */
  readonly importImage: (options: {
    readonly stateDirectory: string;
    readonly stream: string;
    readonly source: string;
    readonly onProgress: (paths: number, readBytes: number, totalBytes: number | undefined) => void;
  }) => Promise<ImageView>;
  /** Where the MDB of a state directory is, if it is in the directory. */
  readonly databaseIn: (stateDirectory: string) => string;
  /** Copies an MDB between SQLite files and PostgreSQL databases; how many machines it has. */
  readonly copyMdb: (options: {
    readonly from: string;
    readonly to: string;
    readonly replace: boolean;
    readonly onProgress: Progress;
  }) => Promise<number>;
  /** The same from a backup, which is left as it is; also how many of the machines will be installed at their next boot. */
  readonly restoreMdb: (options: {
    readonly from: string;
    readonly to: string;
    readonly replace: boolean;
    readonly onProgress: Progress;
  }) => Promise<{ readonly machines: number; readonly toBeInstalled: number }>;
};
