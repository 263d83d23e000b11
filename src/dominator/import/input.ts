import type { ObjectStore } from "../storage/object-store.ts";

export type ImportInput = {
  /** A directory, or a tar archive, plain or compressed with gzip or zstd. */
  readonly source: string;
  readonly objects: ObjectStore;
  readonly filter: readonly string[];
  readonly onProgress?: (progress: ImportProgress) => void;
};

/** The progress of an import. `totalBytes` is the size of the source on disk; unknown for a directory. */
export type ImportProgress = { readonly paths: number; readonly readBytes: number; readonly totalBytes?: number };
