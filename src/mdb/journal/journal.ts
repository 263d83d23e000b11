import type { MachineEvent } from "../../core/machine/event.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { AuditEntry, PastChange, RecordedAct, RequestOrigin, Store, UnreadableRecord } from "../../core/ports.ts";
import type { Document, DocumentKind, StoredDocuments } from "../../core/store/stored-documents.ts";
import type { KnownMachines } from "./read-machine.ts";

/** One change of a machine to write: the new record, and the one that it was decided on. */
export type MachineEntry = {
  readonly kind: "machine";
  readonly machine: Machine;
  readonly before: Machine | undefined;
  readonly event: MachineEvent;
  readonly atMs: number;
  readonly by?: string;
  /** The operator's request that it is part of. */
  readonly request?: RequestOrigin;
  /** Records that the change removes. */
  readonly absorbed: readonly Machine[];
};

/** One document to write; without `document` it is dropped. */
export type DocumentEntry = {
  readonly kind: "document";
  readonly documentKind: DocumentKind;
  readonly key: string;
  readonly document?: StoredDocuments[DocumentKind];
  readonly before: unknown;
  readonly atMs: number;
  readonly by?: string;
  readonly request?: RequestOrigin;
};

/** One act for the audit alone. */
export type ActEntry = {
  readonly kind: "act";
  readonly action: string;
  readonly subject: string;
  readonly facts: RecordedAct["facts"];
  readonly atMs: number;
  readonly by: string;
  readonly request?: RequestOrigin;
};
export type Entry = MachineEntry | DocumentEntry | ActEntry;

/** The current state of a document: without `document` it was dropped, or `fault` says why it cannot be read. */
export type DocumentChange = Pick<Document, "kind" | "key" | "position"> & {
  readonly document?: StoredDocuments[DocumentKind];
  readonly fault?: string;
};

/** All contents of a database, in the state after the change with this position. */
export type Holdings = {
  readonly position: number;
  readonly machines: readonly Machine[];
  readonly unreadable: readonly UnreadableRecord[];
  readonly documents: readonly DocumentChange[];
};

/**
 * Changes that others wrote since a position: each change, and the newest record of each machine concerned, if it still
 * exists. `everything` when the changes are no longer known, or the database was replaced: all records, and the last
 * change of each.
 */
export type RemoteChanges = Holdings & {
  readonly kind: "changes" | "everything";
  readonly changes: readonly PastChange[];
  /** There are further changes after this position: applying all at once would hold up packets. */
  readonly more?: true;
};

/** The contents of one transaction. */
export type Batch = {
  /** The position up to which the writer knows all changes. */
  readonly since: () => number;
  readonly known: KnownMachines;
  /** Receives, before anything is written, what others wrote since; the batch's contents are then decided again. */
  readonly applyRemote: (changes: RemoteChanges) => Promise<void>;
  /** What to write: called when nobody else can write any more, perhaps more than once. */
  readonly entries: () => readonly Entry[];
};

/**
 * The persistence of the MDB: the part that differs between databases. The Store above it decides, caches and notifies;
 * a journal only writes.
 */
export type Journal = AsyncDisposable & {
  readonly load: () => Promise<Holdings>;
  /**
   * One transaction: all entries or none, in the order of their positions, durable when it returns. No changes of
   * others are between the last changes that the batch received and its own entries. Returns the position before the
   * first entry. Throws `conflictError` when the database rejects the batch.
   */
  readonly commit: (batch: Batch) => Promise<number>;
  readonly remoteChangesSince: (position: number, known: KnownMachines) => Promise<RemoteChanges>;
  readonly changesSince: Store["changesSince"];
  /** The last changes of a machine, newest last. */
  readonly history: Store["history"];
  readonly audit: Store["audit"];
  /** Writes a consistent copy of all contents into a new SQLite file, while the fleet continues to change. */
  readonly backup: (path: string) => Promise<void>;
  /** Only if other processes write to the same database. */
  readonly others?: {
    /** Calls back when others may have written. */
    readonly watch: (onRemoteChanges: () => void) => void;
    readonly leads: () => boolean;
  };
};

/** An error for a batch that contradicts the database, or that it cannot store; the database itself works. */
export function conflictError(message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { isConflict: true });
}

/** Whether an error is a `conflictError`. */
export function isConflict(cause: unknown): boolean {
  return cause instanceof Error && "isConflict" in cause;
}

/** Limit of changes that can be read of one machine: some forty births. */
export const historyLimit = 1000;
/**
 * Limit of the changes of one machine in bytes: forty births of a machine with a hundred disks have a third of it. A machine
 * that sends more loses its oldest changes, also on the feed, so that it cannot fill the disk.
 */
export const historyBytes = 4 << 20;
/** Number of changes of the whole fleet that are kept, for watchers that return to the feed. */
export const feedLimit = 100_000;
/** Changes read from the feed at once. */
export const feedPageLimit = 10_000;
/** Entries of the audit read at once. The audit itself is never shortened. */
export const auditPageLimit = 10_000;

/** A row of `audit`, independent of a database's column names. */
export type AuditRow = {
  readonly position: unknown;
  readonly at_ms: unknown;
  readonly by_whom: unknown;
  readonly action: unknown;
  readonly subject: unknown;
  readonly before_json: unknown;
  readonly after_json: unknown;
  readonly request_json: unknown;
};

/** The entry in a row. */
export function readAudit(row: AuditRow): AuditEntry {
  return {
    position: Number(row.position),
    atMs: Number(row.at_ms),
    by: String(row.by_whom),
    action: String(row.action),
    subject: String(row.subject),
    ...(row.before_json === null ? {} : { before: JSON.parse(String(row.before_json)) as unknown }),
    ...(row.after_json === null ? {} : { after: JSON.parse(String(row.after_json)) as unknown }),
    ...(row.request_json === null ? {} : { request: JSON.parse(String(row.request_json)) as RequestOrigin }),
  };
}
