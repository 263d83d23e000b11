import { checkFleet } from "../core/machine/check.ts";
import { nameOf } from "../core/machine/life/move.ts";
import type { Machine, MachineId } from "../core/machine/record.ts";
import type { Change, Clock, Log, Store } from "../core/ports.ts";
import { historyLimit, type Journal, type MachineEntry, type RemoteChanges } from "./journal/journal.ts";
import { isPostgres } from "./postgres/connection-string.ts";
import { openJournalThread } from "./sqlite/thread.ts";
import { documentMemory } from "./store/document-memory.ts";
import { fleetMemory, type Outcome } from "./store/fleet-memory.ts";
import { machineLogs } from "./store/machine-logs.ts";
import { writeQueue } from "./store/write-queue.ts";

/** A Store and what only its owner does with it. */
export type OpenStore = Store & AsyncDisposable & Pick<Journal, "backup">;

/**
 * Opens the MDB in a SQLite file (or `:memory:`), or in the PostgreSQL database that `postgres://…` names; reads are
 * answered from memory from then on.
 */
export async function openStore(options: {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<OpenStore> {
  const { path, clock, log } = options;
  if (!isPostgres(path)) return storeOn({ journal: await openJournalThread(path), clock, log });
  // Loaded only where it is used: most servers have no PostgreSQL.
  const { openPostgresJournal } = await import("./postgres/journal.ts");
  return storeOn({ journal: await openPostgresJournal({ place: path, clock, log }), clock, log });
}

/**
 * A Store over a ledger. An event is decided at once, against memory, so that events never race; `apply` resolves when
 * the ledger has the change. Where others write to the same database, what waits is decided anew on what they wrote.
 */
export async function storeOn(options: {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<OpenStore> {
  const { journal, clock, log } = options;
  const holdings = await journal.load();
  const memory = fleetMemory(holdings);
  const documents = documentMemory(holdings.documents);
  let position = holdings.position;
  for (const { message, kind } of checkFleet(holdings.machines)) log("error", `inconsistent: ${message}`, { kind });
  const logs = machineLogs();
  const listeners = new Set<(change: Change) => void>();
  let closed = false;

  const tell = (change: Change) => {
    for (const gone of change.absorbed ?? []) logs.forget(gone);
    for (const listener of listeners) {
      try {
        listener(change);
      } catch (cause) {
        log("error", "a watcher of the MDB failed", { cause });
      }
    }
  };
  const queue = writeQueue({
    ...{ journal, memory, clock, log },
    position: () => position,
    documentNow: documents.get,
    onWritten: (entries, before) => {
      for (const [index, entry] of entries.entries()) {
        position = before + index + 1;
        if (entry.kind === "machine") tell(changeOf(entry, position));
        else {
          const { documentKind: kind, key, document } = entry;
          documents.apply([{ kind, key, position, ...(document === undefined ? {} : { document }) }]);
        }
      }
    },
    onRemoteChanges: (remote) => {
      const changes = changesOf(remote, memory.fleet().get);
      memory.apply(remote);
      if (remote.kind === "everything") {
        log("warn", "all machines are read anew: too much was written by others, or the database is another one", {
          ...{ before: position, now: remote.position },
        });
        documents.clear();
      }
      documents.apply(remote.documents);
      position = remote.position;
      return changes.map((change) => () => tell(change));
    },
    onRefused: noteRefusal,
  });
  journal.others?.watch(queue.poll);

  const find = (name: string) => memory.fleet().find(name);
  const tooLate = (what: string) => new Error(`the MDB is closed; ${what} came too late`);
  const mustBeOpen = (what: string) => {
    if (closed) throw tooLate(what);
  };
  return {
    get: (id) => memory.fleet().get(id),
    byMac: (mac) => memory.fleet().byMac(mac),
    byAddress: (address) => memory.fleet().byAddress(address),
    find,
    list: () => memory.fleet().list(),
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    position: () => position,
    changesSince: journal.changesSince,
    history: async (id, limit) => {
      await queue.idle();
      return journal.history(id, Math.min(limit, historyLimit));
    },
    audit: async (query) => {
      await queue.idle();
      return journal.audit(query);
    },
    addLog: logs.add,
    log: logs.of,
    documents: documents.of,
    putDocument: async ({ kind, key, document, by }) => {
      mustBeOpen(`${kind} ${key}`);
      await queue.write({
        documentKind: kind,
        key,
        document,
        atMs: clock.nowMs(),
        ...(by === undefined ? {} : { by }),
      });
    },
    dropDocument: async ({ kind, key, by }) => {
      mustBeOpen(`the end of ${kind} ${key}`);
      await queue.write({ documentKind: kind, key, atMs: clock.nowMs(), ...(by === undefined ? {} : { by }) });
    },
    apply: (event, asked) =>
      closed ? Promise.reject(tooLate(event.kind)) : queue.apply({ ...asked, event, atMs: clock.nowMs() }),
    backup: journal.backup,
    leads: () => !closed && (journal.others?.leads() ?? true),
    [Symbol.asyncDispose]: async () => {
      if (closed) return;
      closed = true;
      await queue.idle();
      await journal[Symbol.asyncDispose]();
    },
  };

  /** A refusal leaves no event: whoever can reach the port could fill the disk. It goes to the log and to the machine's lines. */
  function noteRefusal({ decision, subject }: Outcome, kind: string) {
    if (decision.kind !== "refused") return;
    const { refusal } = decision;
    const machine = subject ?? decision.machine;
    const level = refusal.kind === "wrongState" ? "debug" : "warn";
    log(level, `refused: ${refusal.message}`, {
      ...{ event: kind, kind: refusal.kind, next: refusal.next },
      ...(machine && { machine: nameOf(machine) }),
    });
    if (machine !== undefined && level === "warn") {
      logs.add(machine.id, [`refused ${kind}: ${refusal.message}; ${refusal.next}`]);
    }
  }
}

function changeOf({ machine, event, atMs, by, absorbed }: MachineEntry, position: number): Change {
  const change = { machine, event, atMs, position };
  if (by === undefined && absorbed.length === 0) return change;
  return {
    ...change,
    ...(by === undefined ? {} : { by }),
    ...(absorbed.length === 0 ? {} : { absorbed: absorbed.map(({ id }) => id) }),
  };
}

/**
 * What others wrote, as watchers hear it. A machine that came and went since the last look is left out: there is no
 * record to show. Of everything only what is new here is told.
 */
function changesOf(changes: RemoteChanges, known: (id: MachineId) => Machine | undefined): Change[] {
  const records = new Map(changes.machines.map((machine) => [machine.id, machine]));
  return changes.changes.flatMap((change) => {
    const held = known(change.machine.id);
    const record = records.get(change.machine.id) ?? held;
    if (record === undefined || (changes.kind === "everything" && held?.revision === record.revision)) return [];
    const machine = record.revision === change.machine.revision ? record : { ...record, ...change.machine };
    return [{ ...change, machine }];
  });
}
