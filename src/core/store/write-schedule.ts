/**
 * Decides when pending changes are written to the database, and how many at once. One transaction runs at a time;
 * pending changes stay in order until they are durable.
 */

/**
 * Limit of changes per transaction: a burst of thousands of machines needs few waits for the disk. Packets wait while
 * the rows are made, 3 ms for this many.
 */
export const batchLimit = 128;
/**
 * A transaction costs as much as tens of changes in it. So after one with several changes, the next begins only after
 * this pause, unless enough changes are pending; a caller that makes one change after the other never waits.
 */
export const pace: Pace = { afterChanges: 4, intervalMs: 5, unlessChanges: 64 };
/**
 * Where servers share a database, a transaction also costs each other server a read, and notifications of their transactions
 * would have each server begin one with the few changes that it has just then. So each waits, whatever the one before had.
 */
export const sharedPace: Pace = { afterChanges: 0, intervalMs: 15, unlessChanges: 64 };

/** After a transaction with this many changes the next begins this long after it did, unless this many are pending. */
export type Pace = { readonly afterChanges: number; readonly intervalMs: number; readonly unlessChanges: number };

/** The current activity. */
export type WritePhase =
  | { readonly kind: "idle" }
  /** Everything that arrives in this turn of the event loop goes into one transaction. */
  | { readonly kind: "collecting" }
  /** Waits for more changes. */
  | { readonly kind: "pacing" }
  /** A transaction with the first `batch` pending changes; with none, a read of what others wrote. */
  | { readonly kind: "writing"; readonly batch: number; readonly begunMs: number }
  | { readonly kind: "reloading" };

export type WriteSchedule = {
  readonly pace: Pace;
  readonly phase: WritePhase;
  /** Number of pending changes, including those of the current transaction. */
  readonly waiting: number;
  /** Others may have written. */
  readonly pollWanted: boolean;
  /** The earliest start of the next transaction. */
  readonly notBeforeMs: number;
  /**
   * The database rejected this many of the first changes together: they are written one by one, so that one does not
   * take the others with it.
   */
  readonly careful: number;
};

export type WriteEvent =
  /** Another change is pending. */
  | { readonly kind: "added" }
  /** Others may have written. */
  | { readonly kind: "pollWanted" }
  /** The turn of the event loop in which the first change arrived has ended. */
  | { readonly kind: "turnEnded" }
  /** `wakeAtMs` has come. */
  | { readonly kind: "woke" }
  /** The transaction is durable, or the read has ended. */
  | { readonly kind: "written" }
  /** Nothing was written, but the changes of others lead to another decision. */
  | { readonly kind: "overtaken" }
  /** The decision contradicts the database. */
  | { readonly kind: "refused" }
  /** The database did not answer. */
  | { readonly kind: "failed" }
  /** Memory matches the database, and pending changes were decided again. */
  | { readonly kind: "reloaded" };

/** What to do; each effect concerns the first pending changes. */
export type WriteEffect =
  /** Report `turnEnded` when this turn of the event loop ends. */
  | { readonly kind: "awaitTurn" }
  | { readonly kind: "write"; readonly count: number }
  /** These changes are durable: answer their callers and remove them. */
  | { readonly kind: "settle"; readonly count: number }
  /** These changes are lost: answer their callers and remove them. */
  | { readonly kind: "reject"; readonly count: number }
  /** Read everything again, because this many changes were rejected together; then report `reloaded` or `failed`. */
  | { readonly kind: "reload"; readonly refused: number }
  /** All pending changes were decided on top of the failed ones and are lost with them. */
  | { readonly kind: "giveUp" };

export type WriteStep = {
  readonly state: WriteSchedule;
  readonly effects: readonly WriteEffect[];
  /** When to report `woke`, if nothing happens before. */
  readonly wakeAtMs?: number;
};

/** Nothing is pending. */
export const emptySchedule: WriteSchedule = {
  pace,
  phase: { kind: "idle" },
  waiting: 0,
  pollWanted: false,
  notBeforeMs: 0,
  careful: 0,
};

const nothing: readonly WriteEffect[] = [];

/** The next state of the schedule after an event; `nowMs` is monotonic. */
export function stepWriteSchedule(state: WriteSchedule, event: WriteEvent, nowMs: number): WriteStep {
  switch (event.kind) {
    case "added":
      return arrive({ ...state, waiting: state.waiting + 1 }, nowMs);
    case "pollWanted":
      return arrive({ ...state, pollWanted: true }, nowMs);
    case "turnEnded":
    case "overtaken":
    case "reloaded":
      return proceed(state, nowMs, nothing);
    case "woke":
      // A timer may fire a fraction of a millisecond early; it is not set again for that.
      return state.phase.kind === "pacing" ? begin(state, nowMs, nothing) : { state, effects: nothing };
    case "written":
      return finish(state, nowMs);
    case "refused":
      return refuse(state);
    case "failed":
      return proceed({ ...state, waiting: 0, careful: 0 }, nowMs, [{ kind: "giveUp" }]);
  }
}

function arrive(state: WriteSchedule, nowMs: number): WriteStep {
  switch (state.phase.kind) {
    case "idle":
      return { state: { ...state, phase: { kind: "collecting" } }, effects: [{ kind: "awaitTurn" }] };
    case "pacing":
      return proceed(state, nowMs, nothing);
    case "collecting":
    case "writing":
    case "reloading":
      return { state, effects: nothing };
  }
}

/** The next transaction, a wait for it, or idleness. */
function proceed(state: WriteSchedule, nowMs: number, effects: readonly WriteEffect[]): WriteStep {
  const { waiting, pollWanted, notBeforeMs, pace } = state;
  if (waiting === 0 && !pollWanted) return { state: { ...state, phase: { kind: "idle" } }, effects };
  if (nowMs >= notBeforeMs || waiting >= pace.unlessChanges) return begin(state, nowMs, effects);
  return { state: { ...state, phase: { kind: "pacing" } }, effects, wakeAtMs: notBeforeMs };
}

function begin(state: WriteSchedule, nowMs: number, effects: readonly WriteEffect[]): WriteStep {
  const count = Math.min(state.waiting, state.careful > 0 ? 1 : batchLimit);
  const phase = { kind: "writing", batch: count, begunMs: nowMs } as const;
  return { state: { ...state, phase, pollWanted: false }, effects: [...effects, { kind: "write", count }] };
}

function finish(state: WriteSchedule, nowMs: number): WriteStep {
  const { phase, waiting, careful, pace } = state;
  if (phase.kind !== "writing") return { state, effects: nothing };
  const { batch, begunMs } = phase;
  const written: WriteSchedule = {
    ...state,
    waiting: waiting - batch,
    careful: Math.max(0, careful - 1),
    notBeforeMs: batch < pace.afterChanges ? 0 : begunMs + pace.intervalMs,
  };
  return proceed(written, nowMs, batch === 0 ? nothing : [{ kind: "settle", count: batch }]);
}

/** A single change is the rejected one; of several it is unknown which, so they are written one by one. */
function refuse(state: WriteSchedule): WriteStep {
  const { phase, waiting, careful } = state;
  if (phase.kind !== "writing") return { state, effects: nothing };
  const reload = { kind: "reload", refused: phase.batch } as const;
  const reloading = { ...state, phase: { kind: "reloading" } } as const;
  if (phase.batch > 1) return { state: { ...reloading, careful: phase.batch }, effects: [reload] };
  return {
    state: { ...reloading, waiting: waiting - phase.batch, careful: Math.max(0, careful - 1) },
    effects: [{ kind: "reject", count: phase.batch }, reload],
  };
}
