import type { UnreadableDocument } from "../../core/ports.ts";
import type { Document, DocumentKind, DocumentOf } from "../../core/store/stored-documents.ts";
import type { DocumentChange } from "../journal/journal.ts";

/** The documents of the database, in memory. */
export type DocumentMemory = {
  /** By key. The list stays the same until a document of the kind changes, because it is read with every packet. */
  readonly of: <K extends DocumentKind>(kind: K) => readonly DocumentOf<K>[];
  readonly get: (kind: DocumentKind, key: string) => unknown;
  readonly unreadable: () => readonly UnreadableDocument[];
  readonly apply: (changes: readonly DocumentChange[]) => void;
  readonly clear: () => void;
};

/** A memory of these documents. */
export function documentMemory(held: readonly DocumentChange[]): DocumentMemory {
  const kinds = new Map<DocumentKind, Map<string, Document>>();
  const unreadable = new Map<string, UnreadableDocument>();
  const lists = new Map<DocumentKind, readonly Document[]>();
  const apply = (changes: readonly DocumentChange[]) => {
    for (const { kind, key, position, document, fault } of changes) {
      const place = `${kind} ${key}`;
      if (fault === undefined) unreadable.delete(place);
      else unreadable.set(place, { kind, key, fault });
      const ofKind = kinds.get(kind) ?? new Map<string, Document>();
      kinds.set(kind, ofKind);
      if (document === undefined) ofKind.delete(key);
      // What was read or written is what the schema of its kind describes.
      else ofKind.set(key, { kind, key, position, document } as Document);
      lists.delete(kind);
    }
  };
  apply(held);
  return {
    of: <K extends DocumentKind>(kind: K) => {
      const listed = lists.get(kind) ?? [...(kinds.get(kind)?.values() ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1));
      lists.set(kind, listed);
      return listed as readonly DocumentOf<K>[];
    },
    get: (kind, key) => kinds.get(kind)?.get(key)?.document,
    unreadable: () => [...unreadable.values()],
    apply,
    clear: () => {
      kinds.clear();
      unreadable.clear();
      lists.clear();
    },
  };
}
