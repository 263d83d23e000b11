import { setImmediate as nextTurn } from "node:timers/promises";

/** Long work gives way to packets after this many milliseconds: DHCP answers are never later than that by one piece of work. */
const turnMs = 2;

/** Divides long work into turns of the event loop. */
export type Turns = {
  /** Whether the work has used up its turn. */
  readonly isOver: () => boolean;
  /** Lets all that waits be done; resolves when the work may go on. */
  readonly next: () => Promise<void>;
  /** Ends the work: what follows it in the same request begins a turn of its own, or several works would add up to a long one. */
  readonly end: () => Promise<void>;
};

/** Up to this number of milliseconds, a work has not used a turn that is worth ending. */
const negligibleMs = 0.5;

/** The turns of one piece of work, which begins now. */
export function openTurns(): Turns {
  let begunMs = performance.now();
  const next = async () => {
    await nextTurn();
    begunMs = performance.now();
  };
  return {
    isOver: () => performance.now() - begunMs >= turnMs,
    next,
    end: async () => {
      if (performance.now() - begunMs >= negligibleMs) await next();
    },
  };
}

/** Processes each record. The records must not change meanwhile: a caller copies a live list. */
export async function forEachInTurns<T>(records: Iterable<T>, act: (record: T) => void): Promise<void> {
  const turns = openTurns();
  for (const record of records) {
    act(record);
    if (turns.isOver()) await turns.next();
  }
  await turns.end();
}

/** Carries out the steps of a computation. */
export async function inTurns<T>(steps: Generator<void, T, undefined>): Promise<T> {
  const turns = openTurns();
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      await turns.end();
      return step.value;
    }
    if (turns.isOver()) await turns.next();
  }
}

/** Sorted at once: a fraction of a millisecond. */
const sortedAtOnce = 2048;

/** The items in order: pieces are sorted, and then merged two by two. */
export async function sortInTurns<T>(items: readonly T[], compare: (a: T, b: T) => number): Promise<readonly T[]> {
  let runs: (readonly T[])[] = [];
  const turns = openTurns();
  for (let at = 0; at < items.length; at += sortedAtOnce) {
    runs.push(items.slice(at, at + sortedAtOnce).sort(compare));
    if (turns.isOver()) await turns.next();
  }
  while (runs.length > 1) {
    const merged: (readonly T[])[] = [];
    for (let n = 0; n < runs.length; n += 2)
      merged.push(await inTurns(merging(runs[n] ?? [], runs[n + 1] ?? [], compare)));
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merging<T>(
  a: readonly T[],
  b: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<void, T[], undefined> {
  const merged: T[] = [];
  let [fromA, fromB] = [0, 0];
  while (fromA < a.length || fromB < b.length) {
    const [first, second] = [a[fromA], b[fromB]];
    const takesA = second === undefined || (first !== undefined && compare(first, second) <= 0);
    const next = takesA ? first : second;
    if (next !== undefined) merged.push(next);
    if (takesA) fromA += 1;
    else fromB += 1;
    yield;
  }
  return merged;
}

/** Changes that are made at once: they are decided within a turn, and written in one transaction. */
const changesAtOnce = 50;

/**
 * Makes many changes, a few at once: the next ones are decided when those before are durable. So they hold up no packet, and
 * never fill the queue of the database.
 */
export async function applyInParts<T, Made>(of: readonly T[], apply: (one: T) => Promise<Made>): Promise<Made[]> {
  const made: Made[] = [];
  for (let at = 0; at < of.length; at += changesAtOnce) {
    made.push(...(await Promise.all(of.slice(at, at + changesAtOnce).map(apply))));
    // Those who watch have just been told of these.
    await nextTurn();
  }
  return made;
}
