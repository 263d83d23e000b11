import { setImmediate as nextTurn } from "node:timers/promises";

/** Long work gives way to packets after this many milliseconds: DHCP answers are never later than that by one piece of work. */
const turnMs = 2;

/** Divides long work into turns of the event loop. */
export type Turns = {
  /** Whether the work has used up its turn. */
  readonly isOver: () => boolean;
  /** Lets all that waits be done; resolves when the work may go on. */
  readonly next: () => Promise<void>;
};

/** The turns of one piece of work, which begins now. */
export function openTurns(): Turns {
  let begunMs = performance.now();
  return {
    isOver: () => performance.now() - begunMs >= turnMs,
    next: async () => {
      await nextTurn();
      begunMs = performance.now();
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
}

/** Carries out the steps of a computation. */
export async function inTurns<T>(steps: Generator<void, T, undefined>): Promise<T> {
  const turns = openTurns();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (turns.isOver()) await turns.next();
  }
}
