import type { Decision, MachineEvent, Refusal } from "./machine/event.ts";
import type { Machine, MachineId } from "./machine/record.ts";
import type { Ipv4 } from "./net/ipv4.ts";
import type { Mac } from "./net/mac.ts";

/** Milliseconds since 1970, and a monotonic count for durations. */
export type Clock = { readonly nowMs: () => number; readonly monotonicMs: () => number };

/** Cryptographically strong random bytes. */
export type Random = { readonly bytes: (count: number) => Uint8Array };

export type LogLevel = "debug" | "info" | "warn" | "error";
/** One structured line: what happened in a few words, and the facts. */
export type Log = (level: LogLevel, message: string, facts?: { readonly [name: string]: unknown }) => void;

/** What is known of every change, on the feed and long after. */
type RecordedChange = {
  readonly event: MachineEvent;
  readonly atMs: number;
  /**
   * The number of the change: grows with every durable change of the whole fleet, in the order of their commits, and is
   * kept over restarts. A change of a document has a number of its own, which the feed of machines leaves out.
   */
  readonly position: number;
  /** Who asked for it, where a person or a program did. */
  readonly by?: string;
  /** Records that ceased to exist by it: they were other NICs of this machine. */
  readonly absorbed?: readonly MachineId[];
};

/**
 * A change that the Store made, as the feed tells it. One that another process made brings the newest record there is;
 * what `PastChange` names is as it was at this change.
 */
export type Change = RecordedChange & { readonly machine: MachineThen };

/** A record of which the state may be an earlier one than that of its other facts. */
type MachineThen = Pick<Machine, keyof Machine>;

/** A change long after: the event, and the part of the record that tells what became of the machine by it. */
export type PastChange = RecordedChange & {
  readonly machine: Pick<Machine, "id" | "revision" | "state" | "generation" | "conditions" | "hostname" | "phase">;
};

/** Small things that are kept beside the machines: what was learned of firmware, addresses out of use, operators' tokens, places to call. */
export type DocumentKind = "lesson" | "declinedAddress" | "token" | "tokenUse" | "webhook" | "authority";

/** One of them: JSON under a key. `position` is that of the change that wrote it. */
export type Document = {
  readonly kind: DocumentKind;
  readonly key: string;
  readonly document: unknown;
  readonly position: number;
};

/** One write that somebody asked for: who, what, and the facts that it changed, without hashes of secrets. */
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
};

export type ApplyOptions = {
  /** Who asks: leaves an entry in the audit. Without it the event's own `by` does. */
  readonly by?: string;
  /** Refused with `changedMeanwhile` when the machine's record is not of this revision any more. */
  readonly expectRevision?: number;
  /** Asked each time the event is decided, also when it is decided anew on what others wrote: its refusal stands. */
  readonly guard?: () => Refusal | undefined;
};

/**
 * A record in the database that cannot be read. Its machine is not unknown: no event of it is decided, and what it holds
 * is nobody else's.
 */
export type UnreadableRecord = {
  readonly id: MachineId;
  /** Where in the record, what was expected and what was found. */
  readonly fault: string;
  /** What it still tells of the hardware addresses, name and address that its machine holds: `mac …`, `name …`, `address …`. */
  readonly claims: readonly string[];
};

/**
 * The MDB as other rooms see it. Reads come from a cache in memory, so that a packet never waits for a database;
 * `apply` and the writers of documents resolve when the change is durable.
 */
export type Store = {
  readonly get: (id: MachineId) => Machine | undefined;
  readonly byMac: (mac: Mac) => Machine | undefined;
  /** By the permanent or the temporary address. */
  readonly byAddress: (address: Ipv4) => Machine | undefined;
  /** By hostname, id, MAC or dotted-quad address: whatever an operator types, or a server sees at the other end. */
  readonly find: (name: string) => Machine | undefined;
  /** All machines as they are: one array that goes on changing, so that asking costs nothing. Whoever waits in between takes a copy. */
  readonly list: () => readonly Machine[];
  readonly unreadable: () => readonly UnreadableRecord[];
  readonly apply: (event: MachineEvent, options?: ApplyOptions) => Promise<Decision>;
  /** Calls back after each change; returns the function that ends it. */
  readonly watch: (listener: (change: Change) => void) => () => void;
  /** The position of the last change that watchers heard; 0 before the first. */
  readonly position: () => number;
  /** The changes after a position, oldest first, at most `limit`; or from where on they are still known, all before being forgotten. */
  readonly changesSince: (
    position: number,
    limit: number,
  ) => Promise<
    | { readonly kind: "changes"; readonly changes: readonly PastChange[] }
    | { readonly kind: "tooOld"; readonly oldest: number }
  >;
  /** The last events of a machine, newest last. */
  readonly history: (id: MachineId, limit: number) => Promise<readonly PastChange[]>;
  /** Newest first; of one machine or document, or of all. */
  readonly audit: (query: {
    readonly subject?: string;
    readonly beforePosition?: number;
    readonly limit: number;
  }) => Promise<readonly AuditEntry[]>;
  /** Console and log lines that init or sub sent, kept apart from the record and bounded. */
  readonly addLog: (id: MachineId, lines: readonly string[]) => void;
  readonly log: (id: MachineId) => readonly string[];
  /** All documents of a kind, in the order in which they were first written. */
  readonly documents: (kind: DocumentKind) => readonly Document[];
  /** Puts a document in the place of the one with its key. */
  readonly putDocument: (put: Pick<Document, "kind" | "key" | "document"> & { readonly by?: string }) => Promise<void>;
  /** Resolves also when there was none. */
  readonly dropDocument: (drop: Pick<Document, "kind" | "key"> & { readonly by?: string }) => Promise<void>;
  /** True in exactly one of the processes on a database: who does what must be done once asks it each time. */
  readonly leads: () => boolean;
};

/** Makes the token of a boot script: a fresh birth order for a machine, or the reason why there is none now. */
export type IssueOrder = (
  id: MachineId,
) => Promise<
  { readonly kind: "issued"; readonly token: string } | { readonly kind: "refused"; readonly refusal: Refusal }
>;
