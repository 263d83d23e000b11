import type { Decision } from "../../core/machine/event.ts";
import type { Clock, DocumentKind, Log } from "../../core/ports.ts";
import {
  emptySchedule,
  stepWriteSchedule,
  type WriteEffect,
  type WriteEvent,
} from "../../core/store/write-schedule.ts";
import { type DocumentEntry, type Entry, isConflict, type Journal, type RemoteChanges } from "../journal/journal.ts";
import type { Ask, FleetMemory, Outcome } from "./fleet-memory.ts";

/** What may wait for the database; beyond that whoever asks is refused rather than memory filled. */
const waitingLimit = 100_000;

type Waiting<T> = { readonly resolve: (value: T) => void; readonly reject: (cause: unknown) => void };
type Item =
  | (Waiting<Decision> & { readonly kind: "event"; readonly ask: Ask; outcome: Outcome })
  | (Waiting<void> & { readonly kind: "document"; readonly write: Omit<DocumentEntry, "kind" | "before"> });

/** Brings what is decided into the journal, in batches and in order. */
export type WriteQueue = {
  /** Decides now; resolves with what was decided when that is durable. */
  readonly apply: (ask: Ask) => Promise<Decision>;
  readonly write: (write: Omit<DocumentEntry, "kind" | "before">) => Promise<void>;
  /** Somebody else may have written: what it was is taken in soon. */
  readonly poll: () => void;
  /** Resolves when nothing waits. */
  readonly idle: () => Promise<void>;
};

/** What a queue stands on. */
export type WriteQueueDeps = {
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
};

/** A queue over a journal; one transaction at a time, when core/store/write-schedule.ts says. */
export function writeQueue(deps: WriteQueueDeps): WriteQueue {
  const { journal, memory } = deps;
  /** What waits, in order; the transaction under way has its head, so that changes are decided upon from there. */
  const items: Item[] = [];
  const scheduler = runSchedule(deps, items);

  const mustHaveRoom = () => {
    if (items.length < waitingLimit) return;
    throw new Error(
      `the database does not keep up: ${waitingLimit} changes wait for it; try again later, and look at the database`,
    );
  };
  const add = (item: Item) => {
    items.push(item);
    scheduler.turn({ kind: "added" });
  };
  /**
   * What stands on something unwritten waits for that. What nothing is written for may have been decided on what others
   * have changed since: it waits for their changes.
   */
  const isSettled = ({ subject, entries }: Outcome) =>
    entries.length === 0 && journal.others === undefined && (subject === undefined || !memory.isPending(subject.id));

  return {
    apply: (ask) =>
      // The one promise that an event costs; what is thrown in here rejects it.
      new Promise((resolve, reject) => {
        mustHaveRoom();
        const outcome = memory.decide(ask);
        if (!isSettled(outcome)) return add({ kind: "event", ask, outcome, resolve, reject });
        deps.onRefused(outcome, ask.event.kind);
        resolve(outcome.decision);
      }),
    write: (write) =>
      new Promise((resolve, reject) => {
        mustHaveRoom();
        add({ kind: "document", write, resolve, reject });
      }),
    poll: () => scheduler.turn({ kind: "pollWanted" }),
    idle: scheduler.idle,
  };
}

/** Carries out what the schedule says about the items, and tells it what became of that. */
function runSchedule(deps: WriteQueueDeps, items: Item[]) {
  const { clock, log, memory } = deps;
  let state = emptySchedule;
  let wake: { readonly atMs: number; readonly timer: NodeJS.Timeout } | undefined;
  let onIdle: (() => void)[] = [];

  function turn(event: WriteEvent, cause?: unknown): void {
    const nowMs = clock.monotonicMs();
    const step = stepWriteSchedule(state, event, nowMs);
    state = step.state;
    if (step.wakeAtMs !== wake?.atMs) setWake(step.wakeAtMs, nowMs);
    for (const effect of step.effects) execute(effect, cause);
    if (state.phase.kind !== "idle" || onIdle.length === 0) return;
    const notified = onIdle;
    onIdle = [];
    for (const tell of notified) tell();
  }

  function setWake(atMs: number | undefined, nowMs: number): void {
    clearTimeout(wake?.timer);
    wake = atMs === undefined ? undefined : { atMs, timer: setTimeout(() => turn({ kind: "woke" }), atMs - nowMs) };
  }

  function execute(effect: WriteEffect, cause: unknown): void {
    switch (effect.kind) {
      case "awaitTurn":
        setImmediate(() => turn({ kind: "turnEnded" }));
        return;
      case "write":
        void attempt(() => writeItems(deps, items, effect.count));
        return;
      case "settle":
        for (const item of items.splice(0, effect.count)) settleItem(deps, item);
        return;
      case "reject":
        for (const { reject } of items.splice(0, effect.count)) reject(cause);
        return;
      case "reload":
        log("error", "the database does not take what was decided", { changes: effect.refused, cause });
        void attempt(() => reload(deps, items));
        return;
      case "giveUp":
        if (items.length > 0)
          log("error", "changes were lost, because they could not be written", { changes: items.length, cause });
        else log("warn", "what others wrote could not be read", { cause });
        memory.rollBack();
        for (const { reject } of items.splice(0)) reject(cause);
    }
  }

  async function attempt(work: () => Promise<WriteEvent>): Promise<void> {
    const [event, cause] = await work().then(
      (done) => [done, undefined] as const,
      (failure: unknown) => [{ kind: meaningOf(failure) }, failure] as const,
    );
    turn(event, cause);
  }

  function meaningOf(failure: unknown): "refused" | "failed" {
    return state.phase.kind === "writing" && isConflict(failure) ? "refused" : "failed";
  }

  const idle = () =>
    new Promise<void>((resolve) => {
      if (state.phase.kind === "idle") resolve();
      else onIdle.push(resolve);
    });
  return { turn, idle };
}

/** Writes the first of the items, or looks at what others wrote where there is nothing to write. */
async function writeItems(deps: WriteQueueDeps, items: readonly Item[], count: number): Promise<WriteEvent> {
  const { journal, memory, position } = deps;
  const batch = items.slice(0, count);
  if (!batch.some(hasEntry)) {
    applyRemote(deps, items, await journal.remoteChangesSince(position()));
    return { kind: batch.some(hasEntry) ? "overtaken" : "written" };
  }
  let entries: readonly Entry[] = [];
  const before = await journal.commit({
    since: position,
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

/** What was decided contradicts the database: memory is what the database holds, and all that waits is decided anew. */
async function reload(deps: WriteQueueDeps, items: readonly Item[]): Promise<WriteEvent> {
  applyRemote(deps, items, { kind: "everything", changes: [], ...(await deps.journal.load()) });
  return { kind: "reloaded" };
}

function applyRemote(deps: WriteQueueDeps, items: readonly Item[], changes: RemoteChanges): void {
  const { memory, position } = deps;
  if (changes.kind === "changes" && changes.position === position()) return;
  memory.rollBack();
  const tells = deps.onRemoteChanges(changes);
  for (const item of items) if (item.kind === "event") item.outcome = memory.decide(item.ask);
  for (const tell of tells) tell();
}

function settleItem({ onRefused }: WriteQueueDeps, item: Item): void {
  if (item.kind === "document") {
    item.resolve();
    return;
  }
  onRefused(item.outcome, item.ask.event.kind);
  item.resolve(item.outcome.decision);
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
