/**
 * When what waits for the database is written, and how much of it at once. One transaction at a time; what waits stays in
 * its order until it is durable.
 */

/**
 * Changes written in one transaction at most: a burst of thousands of machines costs few waits for the disk. Packets wait
 * while their rows are made, 5 ms for this many.
 */
export const batchLimit = 256;
/**
 * A transaction costs what tens of changes in it cost. So after one of several changes the next begins so much later at the
 * earliest, unless enough wait; whoever asks one thing after the other never waits.
 */
export const pace = { afterChanges: 4, intervalMs: 5, unlessChanges: 64 } as const;

/** What is under way. */
export type WritePhase =
  | { readonly kind: "idle" }
  /** Everything that arrives in this turn of the event loop goes into one transaction. */
  | { readonly kind: "collecting" }
  /** Waits for more to go along. */
  | { readonly kind: "pacing" }
  /** A transaction with the first `batch` of what waits; with none of them, a look at what others wrote. */
  | { readonly kind: "writing"; readonly batch: number; readonly begunMs: number }
  | { readonly kind: "reloading" };

export type WriteSchedule = {
  readonly phase: WritePhase;
  /** How many changes wait, those of the transaction that is under way included. */
  readonly waiting: number;
  /** Others may have written. */
  readonly pollWanted: boolean;
  /** When the next transaction may begin. */
  readonly notBeforeMs: number;
  /** So many at the head were refused by the database together: they go one by one, so that one does not take the others along. */
  readonly careful: number;
};

export type WriteEvent =
  /** One more change waits. */
  | { readonly kind: "added" }
  /** Others may have written. */
  | { readonly kind: "pollWanted" }
  /** The turn of the event loop in which the first change arrived is over. */
  | { readonly kind: "turnEnded" }
  /** `wakeAtMs` has come. */
  | { readonly kind: "woke" }
  /** The transaction is durable, or the look is over. */
  | { readonly kind: "written" }
  /** Nothing was to be written, but on what others wrote it is decided otherwise. */
  | { readonly kind: "overtaken" }
  /** What was decided contradicts the database. */
  | { readonly kind: "refused" }
  /** The database could not be asked. */
  | { readonly kind: "failed" }
  /** Memory is what the database holds, and what waits is decided anew. */
  | { readonly kind: "reloaded" };

/** What is to be done; each concerns the head of what waits. */
export type WriteEffect =
  /** Say `turnEnded` when this turn of the event loop is over. */
  | { readonly kind: "awaitTurn" }
  | { readonly kind: "write"; readonly count: number }
  /** These are durable: tell whoever asked, and take them off. */
  | { readonly kind: "settle"; readonly count: number }
  /** These are lost: tell whoever asked, and take them off. */
  | { readonly kind: "reject"; readonly count: number }
  /** Read everything anew, for so many were refused together; then say `reloaded`, or `failed`. */
  | { readonly kind: "reload"; readonly refused: number }
  /** Everything that waits was decided on top of what failed: it is lost with it. */
  | { readonly kind: "giveUp" };

export type WriteStep = {
  readonly state: WriteSchedule;
  readonly effects: readonly WriteEffect[];
  /** When to say `woke`, if nothing else happens before. */
  readonly wakeAtMs?: number;
};

/** Nothing waits. */
export const emptySchedule: WriteSchedule = {
  phase: { kind: "idle" },
  waiting: 0,
  pollWanted: false,
  notBeforeMs: 0,
  careful: 0,
};

const nothing: readonly WriteEffect[] = [];

/** What becomes of the schedule when something happens; `nowMs` is monotonic. */
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
      // A timer may come a fraction of a millisecond early: it is not set again for that.
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

/** The next transaction, or the wait for it, or the end. */
function proceed(state: WriteSchedule, nowMs: number, effects: readonly WriteEffect[]): WriteStep {
  const { waiting, pollWanted, notBeforeMs } = state;
  if (waiting === 0 && !pollWanted) return { state: { ...state, phase: { kind: "idle" } }, effects };
  if (nowMs >= notBeforeMs || pollWanted || waiting >= pace.unlessChanges) return begin(state, nowMs, effects);
  return { state: { ...state, phase: { kind: "pacing" } }, effects, wakeAtMs: notBeforeMs };
}

function begin(state: WriteSchedule, nowMs: number, effects: readonly WriteEffect[]): WriteStep {
  const count = Math.min(state.waiting, state.careful > 0 ? 1 : batchLimit);
  const phase = { kind: "writing", batch: count, begunMs: nowMs } as const;
  return { state: { ...state, phase, pollWanted: false }, effects: [...effects, { kind: "write", count }] };
}

function finish(state: WriteSchedule, nowMs: number): WriteStep {
  const { phase, waiting, careful } = state;
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

/** One change alone is the one that is refused; of several it is not known, so they go one by one. */
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
