import type { Decision, MachineEvent, Refusal } from "./machine/event.ts";
import type { Machine, MachineId } from "./machine/record.ts";
import type { Mac } from "./net/mac.ts";
import type { Lesson } from "./pxe/local-boot-lesson.ts";

/** Milliseconds since 1970, and a monotonic count for durations. */
export type Clock = { readonly nowMs: () => number; readonly monotonicMs: () => number };

/** Cryptographically strong random bytes. */
export type Random = { readonly bytes: (count: number) => Uint8Array };

export type LogLevel = "debug" | "info" | "warn" | "error";
/** One structured line: what happened in a few words, and the facts. */
export type Log = (level: LogLevel, message: string, facts?: { readonly [name: string]: unknown }) => void;

/** A change that the Store made, as the feed tells it. */
export type Change = { readonly machine: Machine; readonly event: MachineEvent; readonly atMs: number };

/** A change long after: the event, and the part of the record that tells what became of the machine by it. */
export type PastChange = {
  readonly machine: Pick<Machine, "id" | "revision" | "state" | "generation" | "conditions" | "hostname" | "phase">;
  readonly event: MachineEvent;
  readonly atMs: number;
};

/**
 * The MDB as other rooms see it. Reads come from a cache in memory, so that a packet never waits for a database;
 * `apply` resolves when the change is durable.
 */
export type Store = {
  readonly get: (id: MachineId) => Machine | undefined;
  readonly byMac: (mac: Mac) => Machine | undefined;
  /** By hostname, id, MAC or dotted-quad address: whatever an operator types, or a server sees at the other end. */
  readonly find: (name: string) => Machine | undefined;
  readonly list: () => readonly Machine[];
  readonly apply: (event: MachineEvent) => Promise<Decision>;
  /** Calls back after each change; returns the function that ends it. */
  readonly watch: (listener: (change: Change) => void) => () => void;
  /** The last events of a machine, newest last. */
  readonly history: (id: MachineId, limit: number) => Promise<readonly PastChange[]>;
  /** Console and log lines that init or sub sent, kept apart from the record and bounded. */
  readonly addLog: (id: MachineId, lines: readonly string[]) => void;
  readonly log: (id: MachineId) => readonly string[];
  /** What was learned of models' firmware, one for each model and stage. */
  readonly lessons: () => readonly Lesson[];
  /** Puts a lesson in the place of the one on the same model and stage; resolves when it is durable. */
  readonly learn: (lesson: Lesson) => Promise<void>;
};

/** Makes the token of a boot script: a fresh birth order for a machine, or the reason why there is none now. */
export type IssueOrder = (
  id: MachineId,
) => Promise<
  { readonly kind: "issued"; readonly token: string } | { readonly kind: "refused"; readonly refusal: Refusal }
>;
