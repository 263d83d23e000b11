import type { ObjectStore } from "../storage/object-store.ts";
import type { NotCarried, NotCarriedList } from "./not-carried.ts";
import type { TreeBuilder } from "./tree-builder.ts";
import type { ContentWriter } from "./write/content-writer.ts";

export type ImportInput = {
  /** A directory, a tar archive, plain or compressed with gzip, zstd or xz, or a container image (oci/blobs.ts). */
  readonly source: string;
  readonly objects: Pick<ObjectStore, "directory">;
  readonly filter: readonly string[];
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Receives what the source has and the image has not, once, at the end. */
  readonly onNotCarried?: (list: readonly NotCarried[]) => void;
  /** Ends the import with the signal's reason; what is stored already is found again by the next one. */
  readonly signal?: AbortSignal;
};

/** An import under way: where contents and paths go. */
export type OpenImport = ImportInput & {
  readonly writer: ContentWriter;
  readonly tree: TreeBuilder;
  readonly notCarried: NotCarriedList;
};

/** The progress of an import. `totalBytes` is the size of an archive on disk, or of all files of a directory. */
export type ImportProgress = { readonly paths: number; readonly readBytes: number; readonly totalBytes: number };
