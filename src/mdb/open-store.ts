import { checkFleet } from "../core/machine/check.ts";
import type { Decision, MachineEvent } from "../core/machine/event.ts";
import { decide } from "../core/machine/life.ts";
import { nameOf } from "../core/machine/life-record.ts";
import type { Machine, MachineId } from "../core/machine/record.ts";
import type { Change, Clock, Log, Store } from "../core/ports.ts";
import { isAbout, type Lesson } from "../core/pxe/local-boot-lesson.ts";
import { type FleetIndex, indexFleet } from "./fleet-index.ts";
import { type Entry, historyLimit, type Ledger } from "./ledger.ts";
import { openLedgerThread } from "./ledger-thread.ts";
import { machineLogs } from "./machine-logs.ts";

type Waiting = { readonly entry: Entry; readonly resolve: () => void; readonly reject: (cause: unknown) => void };

/** Changes written in one transaction at most: a burst of thousands of machines costs few waits for the disk. */
const batchLimit = 512;

/** Opens the MDB in a SQLite file (or `:memory:`); reads are answered from memory from then on. */
export async function openStore(options: {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<Store & AsyncDisposable> {
  return storeOn({ ledger: await openLedgerThread(options.path), clock: options.clock, log: options.log });
}

/**
 * A Store over a ledger. An event is decided at once, against memory, so that events never race; `apply` resolves when
 * the ledger has the change. Should the ledger fail, all that waited is refused and memory is what the ledger holds.
 */
export async function storeOn(options: {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<Store & AsyncDisposable> {
  const { ledger, clock, log } = options;
  let fleet = indexFleet(await ledger.load());
  for (const { message, kind } of checkFleet(fleet.list())) log("error", `inconsistent: ${message}`, { kind });
  let lessons: readonly Lesson[] = await ledger.loadLessons();
  const logs = machineLogs();
  const listeners = new Set<(change: Change) => void>();
  const queue: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let closed = false;

  const writeAll = async () => {
    // Everything that arrives in this turn of the event loop goes into one transaction.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.length > 0) {
      const batch = queue.splice(0, batchLimit);
      try {
        await ledger.commit(batch.map(({ entry }) => entry));
      } catch (cause) {
        await giveUp(batch, cause);
        continue;
      }
      for (const { entry, resolve } of batch) {
        tell(entry);
        resolve();
      }
    }
    // In the same turn as the last look at the queue: whoever comes next begins anew.
    writing = undefined;
  };
  const giveUp = async (batch: readonly Waiting[], cause: unknown) => {
    log("error", "changes were lost, because they could not be written", { changes: batch.length, cause });
    try {
      const held = await ledger.load();
      fleet = indexFleet(held);
    } catch (loadCause) {
      closed = true;
      log("error", "the MDB cannot be read any more and is closed", { cause: loadCause });
    }
    // What waits was decided on top of what failed, so it is lost with it.
    for (const { reject } of [...batch, ...queue.splice(0)]) reject(cause);
  };
  const tell = ({ machine, event, atMs }: Entry) => {
    for (const listener of listeners) {
      try {
        listener({ machine, event, atMs });
      } catch (cause) {
        log("error", "a watcher of the MDB failed", { cause });
      }
    }
  };
  const enqueue = (entry: Entry) => {
    const written = new Promise<void>((resolve, reject) => queue.push({ entry, resolve, reject }));
    writing ??= writeAll();
    return written;
  };

  return {
    get: (id) => fleet.get(id),
    byMac: (mac) => fleet.byMac(mac),
    find: (name) => fleet.find(name),
    list: () => fleet.list(),
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    history: async (id, limit) => {
      await writing;
      return ledger.history(id, Math.min(limit, historyLimit));
    },
    addLog: logs.add,
    log: logs.of,
    lessons: () => lessons,
    learn: async (lesson) => {
      if (closed) throw new Error("the MDB is closed; a lesson came too late");
      await ledger.saveLesson(lesson);
      lessons = [...lessons.filter((other) => !isAbout(other, lesson, lesson.client)), lesson];
    },
    apply: async (event) => {
      if (closed) throw new Error(`the MDB is closed; ${event.kind} came too late`);
      const before = subjectOf(fleet, event);
      const decision = decide(before, event, {
        nowMs: clock.nowMs(),
        nameHolder: fleet.byName,
        addressHolder: fleet.byAddress,
        macHolder: fleet.byMac,
        announcedAt: fleet.announcedAt,
        byId: fleet.get,
      });
      if (decision.kind === "refused") noteRefusal(decision, before ?? decision.machine, event);
      const { machine } = decision;
      if (machine === undefined || machine === before) return decision;
      const absorbed = decision.kind === "changed" ? (decision.absorbed ?? []) : [];
      for (const gone of absorbed) {
        fleet.remove(gone);
        logs.forget(gone);
      }
      // First those who lose something: a power cut between two transactions must not leave it with two.
      const others = decision.kind === "changed" ? (decision.others ?? []) : [];
      const atMs = clock.nowMs();
      for (const other of others) {
        fleet.put(other);
        void enqueue({ machine: other, event, atMs, absorbed: [] }).catch(() => undefined);
      }
      fleet.put(machine);
      await enqueue({ machine, event, atMs, absorbed });
      return decision;
    },
    [Symbol.asyncDispose]: async () => {
      if (closed) return;
      closed = true;
      await writing;
      await ledger[Symbol.asyncDispose]();
    },
  };

  /** A refusal leaves no event: whoever can reach the port could fill the disk. It goes to the log and to the machine's lines. */
  function noteRefusal(
    decision: Extract<Decision, { kind: "refused" }>,
    machine: Machine | undefined,
    event: MachineEvent,
  ) {
    const { kind, message, next } = decision.refusal;
    const level = kind === "wrongState" ? "debug" : "warn";
    log(level, `refused: ${message}`, { event: event.kind, kind, next, ...(machine && { machine: nameOf(machine) }) });
    if (machine !== undefined && level === "warn") logs.add(machine.id, [`refused ${event.kind}: ${message}; ${next}`]);
  }
}

function subjectOf(fleet: FleetIndex, event: MachineEvent): Machine | undefined {
  return "id" in event ? fleet.get(event.id as MachineId) : fleet.byMac(event.mac);
}
