/** Virtual time: events in the order of their time, and of their scheduling where that is the same. */
export type Agenda = {
  readonly nowMs: () => number;
  /** Acts after this time; the returned function takes the event back. */
  readonly after: (ms: number, act: () => void) => () => void;
  /** Moves to the next event and acts; false if there is none, or none up to `untilMs`. */
  readonly step: (untilMs: number) => boolean;
  readonly events: () => number;
};

type Entry = { readonly atMs: number; readonly order: number; act: (() => void) | undefined };

const isBefore = (one: Entry, other: Entry) =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);

/** An agenda that begins at 0: a binary heap, in which what was taken back stays until its time comes. */
export function openAgenda(): Agenda {
  const heap: Entry[] = [];
  let nowMs = 0;
  let order = 0;
  let events = 0;

  function put(entry: Entry): void {
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Entry;
      if (!isBefore(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }
  function take(): Entry | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Entry, heap[below] as Entry)) below += 1;
      if (!isBefore(heap[below] as Entry, last)) break;
      heap[at] = heap[below] as Entry;
      at = below;
    }
    heap[at] = last;
    return first;
  }
  return {
    nowMs: () => nowMs,
    events: () => events,
    after: (ms, act) => {
      const entry: Entry = { atMs: nowMs + Math.max(0, ms), order: order++, act };
      put(entry);
      return () => {
        entry.act = undefined;
      };
    },
    step: (untilMs) => {
      for (;;) {
        const first = heap[0];
        if (first === undefined || first.atMs > untilMs) return false;
        take();
        const { act } = first;
        if (act === undefined) continue;
        first.act = undefined;
        nowMs = first.atMs;
        events += 1;
        act();
        return true;
      }
    },
  };
}
