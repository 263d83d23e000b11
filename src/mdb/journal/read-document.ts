import { storedDocuments } from "../../contract/stored-document.ts";
import type { DocumentKind } from "../../core/store/stored-documents.ts";
import type { DocumentChange } from "./journal.ts";
import { keepUnknownKeys, readStored } from "./stored-json.ts";

/** A row of the table `documents`. */
export type DocumentRow = {
  readonly kind: unknown;
  readonly key: unknown;
  readonly document: unknown;
  readonly position: unknown;
};

/**
 * The document in a row, with the keys that its schema does not name. A kind that only newer servers know is not read by
 * this one.
 */
export function readDocument(row: DocumentRow): DocumentChange {
  const kind = String(row.kind);
  const change = { kind: kind as DocumentKind, key: String(row.key), position: Number(row.position) };
  if (row.document === null || !isKnown(kind)) return change;
  const read = readStored(storedDocuments[kind], String(row.document));
  if (read.kind === "fault") return { ...change, fault: read.fault };
  keepUnknownKeys(read.value, read.given);
  return { ...change, document: read.value };
}

function isKnown(kind: string): kind is DocumentKind {
  return Object.hasOwn(storedDocuments, kind);
}
