import type { Decision } from "../../core/machine/event.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import type { Clock, Log } from "../../core/ports.ts";
import type { DocumentKind } from "../../core/store/stored-documents.ts";
import {
  emptySchedule,
  sharedPace,
  stepWriteSchedule,
  type WriteEffect,
  type WriteEvent,
  type WriteSchedule,
} from "../../core/store/write-schedule.ts";
import {
  type ActEntry,
  type DocumentEntry,
  type Entry,
  isConflict,
  type Journal,
  type RemoteChanges,
} from "../journal/journal.ts";
import { startTimer } from "../timer.ts";
import { forEachInTurns } from "../turns.ts";
import { type FleetIndex, indexFleet } from "./fleet-index.ts";
import type { Ask, FleetMemory, Outcome } from "./fleet-memory.ts";

/** Limit of events that wait for the database; further ones are refused, so that memory stays bounded. */
const waitingLimit = 100_000;

/**
 * Where servers share a database, a quiet server gathers changes for this time, because a transaction also costs every other
 * server a read (docs/decisions/several-birthers-on-one-database.md).
 */
const gatherMs = 5;

type Waiting<T> = { readonly resolve: (value: T) => void; readonly reject: (cause: unknown) => void };
type Item =
  | (Waiting<Decision> & { readonly kind: "event"; readonly ask: Ask; outcome: Outcome })
  | (Waiting<"written" | "overtaken"> & {
      readonly kind: "document";
      readonly write: DocumentWrite;
      readonly onlyIf: ((now: unknown) => boolean) | undefined;
      /** `onlyIf` refused what the database holds. */
      overtaken: boolean;
    })
  | (Waiting<void> & { readonly kind: "act"; readonly act: ActEntry });

/** A document to write; the queue adds what was there before. */
export type DocumentWrite = Omit<DocumentEntry, "kind" | "before">;

/** Writes decisions to the journal, in batches and in order. */
export type WriteQueue = {
  /** Decides now; resolves with the decision when it is durable. */
  readonly apply: (ask: Ask) => Promise<Decision>;
  /** Writes a document, if `onlyIf` accepts what is there. */
  readonly write: (write: DocumentWrite, onlyIf?: (now: unknown) => boolean) => Promise<"written" | "overtaken">;
  /** Writes an act to the audit. */
  readonly record: (act: ActEntry) => Promise<void>;
  /** Others may have written: reads their changes soon. */
  readonly poll: () => void;
  /** Resolves when nothing is pending. */
  readonly idle: () => Promise<void>;
};

/** What a queue needs. */
export type WriteQueueDeps = {
  readonly journal: Journal;
  readonly memory: FleetMemory;
  readonly clock: Clock;
  readonly log: Log;
  readonly position: () => number;
  readonly documentNow: (kind: DocumentKind, key: string) => unknown;
  /** Marks these as durable; the first has the position after `before`. */
  readonly onWritten: (entries: readonly Entry[], before: number) => void;
  /**
   * Applies what others wrote. Returns functions that notify watchers, to be called after pending events were decided
   * again.
   */
  readonly onRemoteChanges: (changes: RemoteChanges, everything?: FleetIndex) => Iterable<() => void>;
  readonly onRefused: (outcome: Outcome, event: string) => void;
};

/** A queue over a journal; one transaction at a time, when core/store/write-schedule.ts says. */
export function writeQueue(deps: WriteQueueDeps): WriteQueue {
  const { journal, memory } = deps;
  /** Pending items, in order; the current transaction has the first ones, and changes are decided from there. */
  const items: Item[] = [];
  const scheduler = new ScheduleRunner(deps, items);

  const mustHaveRoom = () => {
    if (items.length < waitingLimit) return;
    throw new Error(
      `the database is too slow: ${waitingLimit} changes are pending; retry later, and check the database`,
    );
  };
  const add = (item: Item) => {
    items.push(item);
    scheduler.turn({ kind: "added" });
  };
  /**
   * A decision based on something unwritten waits for it. A decision without a write may rest on what others have
   * changed since, so it waits for their changes.
   */
  const isSettled = ({ subject, entries }: Outcome) =>
    entries.length === 0 && journal.others === undefined && (subject === undefined || !memory.isPending(subject.id));

  return {
    apply: (ask) =>
      // The only promise that an event costs; an error thrown in here rejects it.
      new Promise((resolve, reject) => {
        mustHaveRoom();
        const outcome = memory.decide(ask);
        if (!isSettled(outcome)) return add({ kind: "event", ask, outcome, resolve, reject });
        deps.onRefused(outcome, ask.event.kind);
        resolve(outcome.decision);
      }),
    write: (write, onlyIf) =>
      new Promise((resolve, reject) => {
        mustHaveRoom();
        add({ kind: "document", write, onlyIf, overtaken: false, resolve, reject });
      }),
    record: (act) =>
      new Promise((resolve, reject) => {
        mustHaveRoom();
        add({ kind: "act", act, resolve, reject });
      }),
    poll: () => scheduler.turn({ kind: "pollWanted" }),
    idle: () => scheduler.idle(),
  };
}

/** Carries out the schedule's effects on the items, and reports the results to the schedule. */
class ScheduleRunner {
  readonly #deps: WriteQueueDeps;
  readonly #items: Item[];
  #state: WriteSchedule;
  #wake: { readonly atMs: number; readonly stop: () => void } | undefined;
  #onIdle: (() => void)[] = [];

  constructor(deps: WriteQueueDeps, items: Item[]) {
    this.#deps = deps;
    this.#items = items;
    this.#state = deps.journal.others === undefined ? emptySchedule : { ...emptySchedule, pace: sharedPace };
  }

  turn(event: WriteEvent, cause?: unknown): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const { state, effects, wakeAtMs } = stepWriteSchedule(this.#state, event, nowMs);
    this.#state = state;
    if (wakeAtMs !== this.#wake?.atMs) this.#setWake(wakeAtMs, nowMs);
    for (const effect of effects) this.#execute(effect, cause);
    if (this.#state.phase.kind !== "idle") return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  idle(): Promise<void> {
    return new Promise<void>((resolve) => {
      if (this.#state.phase.kind === "idle") resolve();
      else this.#onIdle.push(resolve);
    });
  }

  #setWake(atMs: number | undefined, nowMs: number): void {
    this.#wake?.stop();
    const woke = () => this.turn({ kind: "woke" });
    this.#wake = atMs === undefined ? undefined : { atMs, stop: startTimer(this.#deps.clock, atMs - nowMs, woke) };
  }

  #execute(effect: WriteEffect, cause: unknown): void {
    const { log, memory } = this.#deps;
    const items = this.#items;
    switch (effect.kind) {
      case "awaitTurn":
        if (this.#deps.journal.others === undefined) setImmediate(() => this.turn({ kind: "turnEnded" }));
        else startTimer(this.#deps.clock, gatherMs, () => this.turn({ kind: "turnEnded" }));
        return;
      case "write":
        void this.#attempt(() => writeItems(this.#deps, items, effect.count));
        return;
      case "settle":
        for (const item of items.splice(0, effect.count)) settleItem(this.#deps, item);
        return;
      case "reject":
        for (const { reject } of items.splice(0, effect.count)) reject(cause);
        return;
      case "reload":
        log("error", "the database rejected a batch", { changes: effect.refused, cause });
        void this.#attempt(() => reload(this.#deps, items));
        return;
      case "giveUp":
        if (items.length > 0)
          log("error", "changes were lost because writing them failed", { changes: items.length, cause });
        else log("warn", "reading the changes of other servers failed", { cause });
        memory.rollBack();
        for (const { reject } of items.splice(0)) reject(cause);
    }
  }

  async #attempt(work: () => Promise<WriteEvent>): Promise<void> {
    const [event, cause] = await work().then(
      (done) => [done, undefined] as const,
      (failure: unknown) => [{ kind: this.#meaningOf(failure) }, failure] as const,
    );
    this.turn(event, cause);
  }

  #meaningOf(failure: unknown): "refused" | "failed" {
    return this.#state.phase.kind === "writing" && isConflict(failure) ? "refused" : "failed";
  }
}

/** Writes the first items, or reads what others wrote if there is nothing to write. */
async function writeItems(deps: WriteQueueDeps, items: readonly Item[], count: number): Promise<WriteEvent> {
  const { journal, memory, position } = deps;
  const batch = items.slice(0, count);
  const known = (id: MachineId) => memory.fleet().get(id);
  if (!batch.some(hasEntry)) {
    for (let more: true | undefined = true; more; ) {
      const changes = await journal.remoteChangesSince(position(), known);
      await applyRemote(deps, items, changes);
      more = changes.more;
    }
    return { kind: batch.some(hasEntry) ? "overtaken" : "written" };
  }
  let entries: readonly Entry[] = [];
  const before = await journal.commit({
    ...{ since: position, known },
    applyRemote: (changes) => applyRemote(deps, items, changes),
    entries: () => {
      entries = entriesOf(batch, deps.documentNow);
      return entries;
    },
  });
  memory.written(entries.filter((entry) => entry.kind === "machine"));
  deps.onWritten(entries, before);
  return { kind: "written" };
}

/**
 * The batch contradicts the database: memory is set to the database's contents, and all pending items are decided
 * again.
 */
async function reload(deps: WriteQueueDeps, items: readonly Item[]): Promise<WriteEvent> {
  await applyRemote(deps, items, { kind: "everything", changes: [], ...(await deps.journal.load()) });
  return { kind: "reloaded" };
}

async function applyRemote(deps: WriteQueueDeps, items: readonly Item[], changes: RemoteChanges): Promise<void> {
  const { memory, position } = deps;
  if (changes.kind === "changes" && changes.position === position()) return;
  const everything = changes.kind === "everything" ? await indexInTurns(changes.machines) : undefined;
  memory.rollBack();
  const notifications = deps.onRemoteChanges(changes, everything);
  for (const item of items) if (item.kind === "event") item.outcome = memory.decide(item.ask);
  await forEachInTurns(notifications, (notify) => notify());
}

/** The index of a whole fleet; packets are answered from the old one meanwhile. */
async function indexInTurns(machines: readonly Machine[]): Promise<FleetIndex> {
  const index = indexFleet([]);
  await forEachInTurns(machines, index.put);
  return index;
}

function settleItem({ onRefused }: WriteQueueDeps, item: Item): void {
  if (item.kind === "document") {
    item.resolve(item.overtaken ? "overtaken" : "written");
    return;
  }
  if (item.kind === "act") {
    item.resolve();
    return;
  }
  onRefused(item.outcome, item.ask.event.kind);
  item.resolve(item.outcome.decision);
}

function hasEntry(item: Item): boolean {
  return item.kind !== "event" || item.outcome.entries.length > 0;
}

/** The entries of a batch, each document's with its previous contents. */
function entriesOf(batch: readonly Item[], documentNow: (kind: DocumentKind, key: string) => unknown): Entry[] {
  const written = new Map<string, unknown>();
  return batch.flatMap((item): Entry[] => {
    if (item.kind === "event") return [...item.outcome.entries];
    if (item.kind === "act") return [item.act];
    const { documentKind, key, document } = item.write;
    const name = `${documentKind} ${key}`;
    const before = written.has(name) ? written.get(name) : documentNow(documentKind, key);
    item.overtaken = item.onlyIf !== undefined && !item.onlyIf(before);
    if (item.overtaken) return [];
    written.set(name, document);
    return [{ kind: "document", ...item.write, before }];
  });
}
