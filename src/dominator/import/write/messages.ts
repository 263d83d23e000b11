import type { StoredObject } from "../../storage/object-draft.ts";

/** What a thread is started with: the directory of the store, and how the names of its drafts begin. */
export type WriterData = {
  readonly directory: string;
  readonly draftPrefix: string;
  /** One number, which is 1 when the import is to end: also within a large file. */
  readonly isEnding: Int32Array;
};

/** Bytes that a thread gets at once. With two on their way to each thread, this bounds the memory of an import. */
export const batchBytes = 4 << 20;

/** A part of a batch: a whole content, or the beginning, middle or end of one that spans batches of the same thread. */
export type BatchPart = { readonly length: number; readonly isEnd: boolean };

/** What a thread of the content writer is asked to store. */
export type WriterRequest =
  | { readonly kind: "batch"; readonly bytes: Uint8Array<ArrayBuffer>; readonly parts: readonly BatchPart[] }
  | { readonly kind: "files"; readonly paths: readonly string[] }
  /** Make a pack of what the thread has stored. */
  | { readonly kind: "seal" };

/** The contents that ended in the request, in its order; a batch comes back to be filled again. */
export type WriterAnswer =
  | { readonly kind: "stored"; readonly stored: readonly StoredObject[]; readonly bytes?: Uint8Array<ArrayBuffer> }
  | { readonly kind: "failed"; readonly error: unknown };
