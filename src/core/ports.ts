import type { Ownership } from "./fleet/blast-radius.ts";
import type { Decision, MachineEvent, Refusal, UnreadableEvent } from "./machine/event.ts";
import type { LogLine } from "./machine/log-line.ts";
import type { Firmware, Machine, MachineId } from "./machine/record.ts";
import type { NotedProgress, WorkProgress } from "./machine/work-progress.ts";
import type { Ipv4 } from "./net/ipv4.ts";
import type { Mac } from "./net/mac.ts";
import type { Document, DocumentDraft, DocumentKind, DocumentOf } from "./store/stored-documents.ts";

/** Milliseconds since 1970, and a monotonic count for durations. */
export type Clock = {
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** Timers that follow this clock; absent from the computer's clock, whose timers are those of the event loop. */
  readonly startTimer?: StartTimer;
};

/** Acts once, after a number of milliseconds; the returned function stops the timer. */
export type StartTimer = (afterMs: number, act: () => void) => () => void;

/** Cryptographically strong random bytes. */
export type Random = { readonly bytes: (count: number) => Uint8Array };

export type LogLevel = "debug" | "info" | "warn" | "error";
/** One structured log entry: a short message, and the facts. */
export type Log = (level: LogLevel, message: string, facts?: { readonly [name: string]: unknown }) => void;

/** The facts of every change, on the feed and in the history. */
type RecordedChange = {
  readonly event: MachineEvent | UnreadableEvent;
  readonly atMs: number;
  /**
   * The number of the change: grows with every durable change of the whole fleet, in the order of their commits, and is
   * kept over restarts. A change of a document has a number of its own, which the feed of machines leaves out.
   */
  readonly position: number;
  /** The caller who requested it, if any. */
  readonly by?: string;
  /** Records that this change deleted: they belonged to other NICs of this machine. */
  readonly absorbed?: readonly MachineId[];
};

/**
 * A change of the Store, as the feed reports it. A change by another process carries the newest record; the parts in
 * `PastChange` are as of this change.
 */
export type Change = RecordedChange & { readonly machine: MachineThen };

/** A record whose state may be older than its other facts. */
type MachineThen = Pick<Machine, keyof Machine>;

/** A change in the history: the event, and the part of the record that shows its effect. */
export type PastChange = RecordedChange & {
  readonly machine: Pick<Machine, "id" | "revision" | "state" | "generation" | "conditions" | "hostname" | "phase">;
};

/** A document in the database that cannot be read. */
export type UnreadableDocument = Pick<Document, "kind" | "key"> & {
  /** Where in the document, what was expected and what was found. */
  readonly fault: string;
};

/** An operator's request, as the audit names it. */
export type RequestOrigin = {
  /** The same in all entries of the request. */
  readonly id: string;
  /** The address that it came from; `local` for the Unix socket. */
  readonly from: string;
  /** Why, as the operator says. */
  readonly reason?: string;
};

/** One requested write: the caller, the action, and the changed facts, without hashes of secrets. */
export type AuditEntry = {
  readonly position: number;
  readonly atMs: number;
  readonly by: string;
  /** The kind of the event, or what was done to a document, e.g. `put token`. */
  readonly action: string;
  /** The machine's id, or the document's key. */
  readonly subject: string;
  /** Absent when there was none before, or is none after. */
  readonly before?: unknown;
  readonly after?: unknown;
  /** Absent in entries of older versions, and of what a server does by itself. */
  readonly request?: RequestOrigin;
};

/** An act that changes neither a machine nor a document, such as the import of an image: only the audit has it. */
export type RecordedAct = Pick<AuditEntry, "action" | "subject" | "by" | "request"> & {
  /** When, if it was before now. */
  readonly atMs?: number;
  /** What was done, in plain values; facts that are hashes of secrets are left out. */
  readonly facts: { readonly [name: string]: unknown };
};

export type ApplyOptions = {
  /** The caller, for the audit; by default the event's own `by`. */
  readonly by?: string;
  /** Refused with `changedMeanwhile` if the machine's record no longer has this revision. */
  readonly expectRevision?: number;
  /** Called each time the event is decided, also when it is decided again after a concurrent write; its refusal is final. */
  readonly guard?: () => Refusal | undefined;
};

/**
 * A record in the database that cannot be read. Its machine is not unknown: its events are not decided, and no other
 * machine gets its names or addresses.
 */
export type UnreadableRecord = {
  readonly id: MachineId;
  /** Where in the record, what was expected and what was found. */
  readonly fault: string;
  /** The names that can still be read from it and that belong to its machine: `mac …`, `name …`, `address …`. */
  readonly claims: readonly string[];
  /** What is left of the facts by which its machine is sent to its disk, at its address; never to an installation. */
  readonly macs: readonly Mac[];
  readonly permanentAddress?: Ipv4;
  readonly temporaryAddress?: Ipv4;
  readonly firmware?: Firmware;
  /** A newer version of Birther wrote it. */
  readonly newer?: true;
};

/** What one unreadable record is found by: its id, a NIC, or a permanent or temporary address. */
export type UnreadableKey = { readonly id: MachineId } | { readonly mac: Mac } | { readonly address: Ipv4 };

/**
 * The MDB as other rooms use it. Reads come from a cache in memory, so that a packet never waits for a database;
 * `apply` and the writers of documents resolve when the change is durable.
 */
export type Store = {
  readonly get: (id: MachineId) => Machine | undefined;
  readonly byMac: (mac: Mac) => Machine | undefined;
  /** By the permanent or the temporary address. */
  readonly byAddress: (address: Ipv4) => Machine | undefined;
  /** The number of permanent and temporary addresses from `first` to `last`; cheap for any range. */
  readonly countAddresses: (first: Ipv4, last: Ipv4) => number;
  /** The machine whose order has a token with this hash (SHA-256). */
  readonly byOrderToken: (tokenHash: string) => Machine | undefined;
  /** The machine with this hostname, id, MAC or dotted-quad address. */
  readonly find: (name: string) => Machine | undefined;
  /** All machines, in one live array, so that the call costs nothing. A caller that awaits in between must copy it. */
  readonly list: () => readonly Machine[];
  /** How the fleet is owned now; changes as the fleet does. */
  readonly ownership: () => Ownership;
  readonly unreadable: () => readonly UnreadableRecord[];
  /** The unreadable record of one machine. */
  readonly unreadableWith: (key: UnreadableKey) => UnreadableRecord | undefined;
  readonly apply: (event: MachineEvent, options?: ApplyOptions) => Promise<Decision>;
  /** Calls back after each change; returns the function that unsubscribes. */
  readonly watch: (listener: (change: Change) => void) => () => void;
  /** The position of the latest change that watchers received; 0 before the first. */
  readonly position: () => number;
  /** The changes after a position, oldest first, at most `limit`; or from where on they are still known, all before being forgotten. */
  readonly changesSince: (
    position: number,
    limit: number,
  ) => Promise<
    | { readonly kind: "changes"; readonly changes: readonly PastChange[] }
    | { readonly kind: "tooOld"; readonly oldest: number }
  >;
  /** The latest events of a machine, newest last. */
  readonly history: (id: MachineId, limit: number) => Promise<readonly PastChange[]>;
  /** Audit entries, newest first: of one machine or document, of one request, of both, or of all. */
  readonly audit: (query: {
    readonly subject?: string;
    /** The id of a request. */
    readonly request?: string;
    readonly beforePosition?: number;
    readonly limit: number;
  }) => Promise<readonly AuditEntry[]>;
  /** Console and log lines of init or the agent, stored outside the record and bounded. */
  readonly addLog: (id: MachineId, lines: readonly string[], bootId?: string) => void;
  /** Lines that came by UDP before TLS was up, marked as unverified: in memory only; verified ones that say the same replace them. */
  readonly addEarlyLog: (id: MachineId, lines: readonly string[], bootId: string) => void;
  /** The latest of them, in memory. */
  readonly log: (id: MachineId) => readonly string[];
  /** All that are kept, on disk where the server has a directory for them, over restarts. */
  readonly readLog: (id: MachineId) => Promise<readonly LogLine[]>;
  /** How far a machine is with its work, as this server last heard: in memory, neither a change nor in the history. */
  readonly noteProgress: (id: MachineId, progress: WorkProgress) => void;
  readonly progress: (machine: Machine) => NotedProgress | undefined;
  /** Calls back after each note; returns the function that unsubscribes. */
  readonly watchProgress: (listener: (id: MachineId) => void) => () => void;
  /** All documents of a kind, in the order of their keys. */
  readonly documents: <K extends DocumentKind>(kind: K) => readonly DocumentOf<K>[];
  readonly unreadableDocuments: () => readonly UnreadableDocument[];
  /** Writes a document, replacing any with the same key. */
  readonly putDocument: (put: DocumentDraft & { readonly by?: string }) => Promise<void>;
  /**
   * Writes a document if `onlyIf` accepts the current one (undefined: none) at a time when nobody else can write; it
   * may be called more than once. `overtaken`: `onlyIf` refused, and nothing was written.
   */
  readonly replaceDocument: (
    put: DocumentDraft & { readonly by?: string; readonly onlyIf: (now: unknown) => boolean },
  ) => Promise<"written" | "overtaken">;
  /** Deletes a document; resolves even if there is none. */
  readonly dropDocument: (drop: Pick<Document, "kind" | "key"> & { readonly by?: string }) => Promise<void>;
  /** Writes an act to the audit, with the request that is being carried out, unless it names another one. */
  readonly recordAct: (act: RecordedAct) => Promise<void>;
  /** True in exactly one of the processes on a database; checked before each task that must run only once. */
  readonly leads: () => boolean;
};

/** Creates the token of a boot script: a new order for a machine, or the reason for a refusal. */
export type IssueOrder = (
  id: MachineId,
) => Promise<
  { readonly kind: "issued"; readonly token: string } | { readonly kind: "refused"; readonly refusal: Refusal }
>;
