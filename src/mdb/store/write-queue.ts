import type { Decision } from "../../core/machine/event.ts";
import type { Clock, DocumentKind, Log } from "../../core/ports.ts";
import { type DocumentEntry, type Entry, isConflict, type Journal, type RemoteChanges } from "../journal/journal.ts";
import type { Ask, FleetMemory, Outcome } from "./fleet-memory.ts";

/** Changes written in one transaction at most: a burst of thousands of machines costs few waits for the disk. */
const batchLimit = 512;
/**
 * A transaction costs what tens of changes in it cost. So after one of several changes the next begins so much later at the
 * earliest, unless enough wait; whoever asks one thing after the other never waits.
 */
const pace = { afterChanges: 4, intervalMs: 5, unlessChanges: 64 };
/** What may wait for the database; beyond that whoever asks is refused rather than memory filled. */
const waitingLimit = 100_000;

type Waiting<T> = { readonly resolve: (value: T) => void; readonly reject: (cause: unknown) => void };
type Item =
  | (Waiting<Decision> & { readonly kind: "event"; readonly ask: Ask; outcome: Outcome })
  | (Waiting<void> & { readonly kind: "document"; readonly write: Omit<DocumentEntry, "kind" | "before"> });

/** Brings what is decided into the ledger, in batches and in order. */
export type WriteQueue = {
  /** Decides now; resolves with what was decided when that is durable. */
  readonly apply: (ask: Ask) => Promise<Decision>;
  readonly write: (write: Omit<DocumentEntry, "kind" | "before">) => Promise<void>;
  /** Somebody else may have written: what it was is taken in soon. */
  readonly poll: () => void;
  /** Resolves when nothing waits. */
  readonly idle: () => Promise<void>;
};

/** A queue over a ledger; one transaction at a time. */
export function writeQueue(deps: {
  readonly journal: Journal;
  readonly memory: FleetMemory;
  readonly clock: Clock;
  readonly log: Log;
  readonly position: () => number;
  readonly documentNow: (kind: DocumentKind, key: string) => unknown;
  /** These are durable; the first has the position after `before`. */
  readonly onWritten: (entries: readonly Entry[], before: number) => void;
  /** Takes in what others wrote. Returns how to tell it, once what waits was decided anew. */
  readonly onRemoteChanges: (changes: RemoteChanges) => readonly (() => void)[];
  readonly onRefused: (outcome: Outcome, event: string) => void;
}): WriteQueue {
  const { journal, memory, clock, log, position } = deps;
  const queue: Item[] = [];
  let running: Promise<void> | undefined;
  let lookWanted = false;
  /** When the next transaction may begin, by the monotonic clock; and what ends the waiting for it. */
  let notBeforeMs = 0;
  let gathered: (() => void) | undefined;
  /** So many at the head of the queue were refused by the database together: they go one by one, so that one does not take the others along. */
  let careful = 0;

  const run = async () => {
    // Everything that arrives in this turn of the event loop goes into one transaction.
    await new Promise((resolve) => setImmediate(resolve));
    while (queue.length > 0 || lookWanted) {
      await gather();
      lookWanted = false;
      const begunMs = clock.monotonicMs();
      // It stays at the head of the queue until it is written: changes is decided upon from there.
      const batch = queue.slice(0, careful > 0 ? 1 : batchLimit);
      try {
        if (batch.some(hasEntry)) await writeBatch(batch);
        else {
          applyRemote(await journal.remoteChangesSince(position()));
          if (batch.some(hasEntry)) continue;
        }
      } catch (cause) {
        if (!isConflict(cause)) giveUp(cause);
        else await reconsider(batch, cause);
        continue;
      }
      careful = Math.max(0, careful - 1);
      queue.splice(0, batch.length);
      notBeforeMs = batch.length < pace.afterChanges ? 0 : begunMs + pace.intervalMs;
      for (const item of batch) settle(item);
    }
    // In the same turn as the last look at the queue: whoever comes next begins anew.
    running = undefined;
  };
  const hasEnough = () => lookWanted || queue.length >= pace.unlessChanges;
  const gather = async () => {
    const waitMs = notBeforeMs - clock.monotonicMs();
    if (waitMs <= 0 || hasEnough()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      gathered = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    gathered = undefined;
  };
  const writeBatch = async (batch: readonly Item[]) => {
    let entries: readonly Entry[] = [];
    const before = await journal.commit({
      since: position,
      applyRemote,
      entries: () => {
        entries = entriesOf(batch, deps.documentNow);
        return entries;
      },
    });
    memory.written(entries.filter((entry) => entry.kind === "machine"));
    deps.onWritten(entries, before);
  };
  const applyRemote = (changes: RemoteChanges) => {
    if (changes.kind === "changes" && changes.position === position()) return;
    memory.rollBack();
    const tells = deps.onRemoteChanges(changes);
    for (const item of queue) if (item.kind === "event") item.outcome = memory.decide(item.ask);
    for (const tell of tells) tell();
  };
  /** What was decided contradicts the database: memory is what the database holds, and all that waits is decided anew. */
  const reconsider = async (batch: readonly Item[], cause: unknown) => {
    log("error", "the database does not take what was decided", { changes: batch.length, cause });
    if (batch.length > 1) careful = batch.length;
    else {
      careful = Math.max(0, careful - 1);
      queue.shift()?.reject(cause);
    }
    try {
      applyRemote({ kind: "everything", changes: [], ...(await journal.load()) });
    } catch (loadCause) {
      giveUp(loadCause);
    }
  };
  const settle = (item: Item) => {
    if (item.kind === "document") return item.resolve();
    deps.onRefused(item.outcome, item.ask.event.kind);
    item.resolve(item.outcome.decision);
  };
  const giveUp = (cause: unknown) => {
    if (queue.length > 0)
      log("error", "changes were lost, because they could not be written", { changes: queue.length, cause });
    else log("warn", "what others wrote could not be read", { cause });
    memory.rollBack();
    careful = 0;
    // What waits was decided on top of what failed, so it is lost with it.
    for (const { reject } of queue.splice(0)) reject(cause);
  };
  const start = () => {
    running ??= run();
    if (hasEnough()) gathered?.();
  };
  const mustHaveRoom = () => {
    if (queue.length < waitingLimit) return;
    throw new Error(
      `the database does not keep up: ${waitingLimit} changes wait for it; try again later, and look at the database`,
    );
  };

  return {
    apply: (ask) =>
      // The one promise that an event costs; what is thrown in here rejects it.
      new Promise((resolve, reject) => {
        mustHaveRoom();
        const outcome = memory.decide(ask);
        const { subject, entries } = outcome;
        // What stands on something unwritten waits for that. What nothing is written for may have been decided on what
        // others have changed since: it waits for their changes.
        if (
          entries.length === 0 &&
          journal.others === undefined &&
          (subject === undefined || !memory.isPending(subject.id))
        ) {
          deps.onRefused(outcome, ask.event.kind);
          resolve(outcome.decision);
          return;
        }
        queue.push({ kind: "event", ask, outcome, resolve, reject });
        start();
      }),
    write: (write) =>
      new Promise((resolve, reject) => {
        mustHaveRoom();
        queue.push({ kind: "document", write, resolve, reject });
        start();
      }),
    poll: () => {
      lookWanted = true;
      start();
    },
    idle: async () => running,
  };
}

function hasEntry(item: Item): boolean {
  return item.kind === "document" || item.outcome.entries.length > 0;
}

/** The entries of a batch, each document's with what stood there before it. */
function entriesOf(batch: readonly Item[], documentNow: (kind: DocumentKind, key: string) => unknown): Entry[] {
  const written = new Map<string, unknown>();
  return batch.flatMap((item): Entry[] => {
    if (item.kind === "event") return [...item.outcome.entries];
    const { documentKind, key, document } = item.write;
    const name = `${documentKind} ${key}`;
    const before = written.has(name) ? written.get(name) : documentNow(documentKind, key);
    written.set(name, document);
    return [{ kind: "document", ...item.write, before }];
  });
}
