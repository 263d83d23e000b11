import { checkFleet } from "../core/machine/check.ts";
import type { Change, Clock, Log, Store } from "../core/ports.ts";
import { historyLimit, type Journal } from "./journal/journal.ts";
import type { LogFiles } from "./logs/log-files.ts";
import { isPostgres } from "./postgres/connection-string.ts";
import { requestNow } from "./request-origin.ts";
import { openJournalThread } from "./sqlite/thread.ts";
import { changeListeners } from "./store/change-listeners.ts";
import { logLines } from "./store/log-lines.ts";
import { earlyLimits, machineLogs } from "./store/machine-logs.ts";
import { progressNotes } from "./store/progress-notes.ts";
import { noteRefusal } from "./store/refusal-note.ts";
import { type StoreMemory, storeMemory } from "./store/store-memory.ts";
import { type DocumentWrite, type WriteQueue, writeQueue } from "./store/write-queue.ts";

/** A Store and the operations of its owner. */
export type OpenStore = Store & AsyncDisposable & Pick<Journal, "backup">;

/**
 * Opens the MDB in a SQLite file (or `:memory:`), or in the PostgreSQL database of a `postgres://…` URL; reads are then
 * answered from memory.
 */
export async function openStore(
  options: Omit<StoreOptions, "journal"> & { readonly path: string },
): Promise<OpenStore> {
  const { path, clock, log } = options;
  if (!isPostgres(path)) return storeOn({ ...options, journal: await openJournalThread(path) });
  // Loaded only when needed, because most servers have no PostgreSQL.
  const { openPostgresJournal } = await import("./postgres/journal.ts");
  return storeOn({ ...options, journal: await openPostgresJournal({ url: path, clock, log }) });
}

type StoreOptions = {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  /** An external Dominator updates the machines after their first image. */
  readonly othersUpdate?: boolean;
  /** Where the lines of machines are kept; without it, only the latest are in memory. */
  readonly logFiles?: LogFiles;
};
type QueuedDocument = DocumentWrite & { readonly onlyIf?: (now: unknown) => boolean };

/**
 * A Store over a journal. An event is decided at once, against memory, so that events never race; `apply` resolves when
 * the journal has the change. If others write to the same database, pending events are decided again on their changes.
 */
export async function storeOn(options: StoreOptions): Promise<OpenStore> {
  const { journal, log, othersUpdate = false } = options;
  const holdings = await journal.load();
  for (const { message, kind } of checkFleet(holdings.machines)) log("error", `inconsistent: ${message}`, { kind });
  const lines = logLines({
    memory: machineLogs(),
    early: machineLogs(earlyLimits),
    clock: options.clock,
    files: options.logFiles,
  });
  const progress = progressNotes(options.clock);
  const listeners = changeListeners(log);
  const notify = (change: Change) => {
    for (const gone of change.absorbed ?? []) {
      lines.forget(gone);
      progress.forget(gone);
    }
    listeners.notify(change);
  };
  const memory = storeMemory(holdings, { log, notify, othersUpdate });
  const queue = writeQueue({
    ...{ ...options, memory: memory.fleet, position: memory.position, documentNow: memory.documents.get },
    ...{ onWritten: memory.written, onRemoteChanges: memory.takeRemote },
    onRefused: (outcome, kind) => noteRefusal({ log, lines }, outcome, kind),
  });
  journal.others?.watch(queue.poll);
  return {
    ...readsOf(memory, journal, queue),
    ...writesTo(options, queue),
    ...{ watch: listeners.add, addLog: lines.add, addEarlyLog: lines.addEarly, log: lines.latest, readLog: lines.all },
    ...{ noteProgress: progress.note, progress: progress.of, watchProgress: progress.watch },
  };
}

function readsOf({ fleet, documents, position }: StoreMemory, journal: Journal, queue: WriteQueue) {
  return {
    get: (id) => fleet.fleet().get(id),
    byMac: (mac) => fleet.fleet().byMac(mac),
    byAddress: (address) => fleet.fleet().byAddress(address),
    find: (name) => fleet.fleet().find(name),
    countAddresses: (first, last) => fleet.fleet().countAddresses(first, last),
    byOrderToken: (tokenHash) => fleet.fleet().byOrderToken(tokenHash),
    list: () => fleet.fleet().list(),
    ownership: () => fleet.fleet().ownership(),
    unreadable: fleet.unreadable.list,
    unreadableWith: fleet.unreadable.find,
    position,
    documents: documents.of,
    unreadableDocuments: documents.unreadable,
    changesSince: journal.changesSince,
    history: async (id, limit) => {
      await queue.idle();
      return journal.history(id, Math.min(limit, historyLimit));
    },
    audit: async (query) => {
      await queue.idle();
      return journal.audit(query);
    },
    backup: journal.backup,
  } satisfies Partial<OpenStore>;
}

/** The write queue, until the store is closed. */
function writesTo({ journal, clock }: StoreOptions, queue: WriteQueue) {
  let closed = false;
  const tooLate = (what: string) => new Error(`writing ${what} failed: the MDB is closed`);
  const write = async (what: string, { by, onlyIf, ...entry }: Omit<QueuedDocument, "atMs">) => {
    if (closed) throw tooLate(what);
    return await queue.write(
      { ...entry, atMs: clock.nowMs(), ...requestNow(), ...(by === undefined ? {} : { by }) },
      onlyIf,
    );
  };
  return {
    putDocument: async ({ kind, key, document, ...by }) => {
      await write(`${kind} ${key}`, { documentKind: kind, key, document, ...by });
    },
    replaceDocument: ({ kind, key, document, ...rest }) =>
      write(`${kind} ${key}`, { documentKind: kind, key, document, ...rest }),
    dropDocument: async ({ kind, key, ...by }) => {
      await write(`the removal of ${kind} ${key}`, { documentKind: kind, key, ...by });
    },
    apply: (event, options) =>
      closed
        ? Promise.reject(tooLate(event.kind))
        : queue.apply({ ...options, event, atMs: clock.nowMs(), ...requestNow() }),
    recordAct: async ({ atMs = clock.nowMs(), ...act }) => {
      if (closed) throw tooLate(act.action);
      await queue.record({ kind: "act", ...requestNow(), ...act, atMs });
    },
    leads: () => !closed && (journal.others?.leads() ?? true),
    [Symbol.asyncDispose]: async () => {
      if (closed) return;
      closed = true;
      await queue.idle();
      await journal[Symbol.asyncDispose]();
    },
  } satisfies Partial<OpenStore>;
}
