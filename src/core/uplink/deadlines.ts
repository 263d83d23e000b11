import type { NewArray } from "./new-array.ts";

/** Who has until when: each call touches as many cells as the number of those who are known has bits. */
export type Deadlines = {
  /** Sets a deadline, in place of the one before. */
  readonly set: (who: string, atMs: number) => void;
  readonly remove: (who: string) => void;
  /** One whose deadline has come; undefined if there is none. */
  readonly due: (nowMs: number) => string | undefined;
};

type Entry = { readonly who: string; atMs: number; place: number };

/** A binary heap in which each entry knows its place, so that it has nobody twice. */
export function openDeadlines(newArray: NewArray): Deadlines {
  const heap = newArray<Entry>(0, { who: "", atMs: 0, place: 0 });
  const entries = new Map<string, Entry>();
  let size = 0;

  function put(entry: Entry, place: number): void {
    heap[place] = entry;
    entry.place = place;
  }
  function rise(entry: Entry): void {
    let { place } = entry;
    while (place > 0) {
      const parent = heap[(place - 1) >> 1];
      if (parent === undefined || parent.atMs <= entry.atMs) break;
      const above = parent.place;
      put(parent, place);
      place = above;
    }
    put(entry, place);
  }
  function earlierBelow(place: number): Entry | undefined {
    const left = 2 * place + 1 < size ? heap[2 * place + 1] : undefined;
    const right = 2 * place + 2 < size ? heap[2 * place + 2] : undefined;
    return left !== undefined && right !== undefined && right.atMs < left.atMs ? right : left;
  }
  function sink(entry: Entry): void {
    let { place } = entry;
    for (let child = earlierBelow(place); child !== undefined && child.atMs < entry.atMs; child = earlierBelow(place)) {
      const below = child.place;
      put(child, place);
      place = below;
    }
    put(entry, place);
  }
  return {
    set: (who, atMs) => {
      const known = entries.get(who);
      const entry = known ?? { who, atMs, place: size };
      if (known === undefined) {
        entries.set(who, entry);
        size += 1;
      }
      entry.atMs = atMs;
      rise(entry);
      sink(entry);
    },
    remove: (who) => {
      const entry = entries.get(who);
      if (entry === undefined) return;
      entries.delete(who);
      size -= 1;
      const last = heap[size];
      heap.length = size;
      if (last === undefined || last === entry) return;
      put(last, entry.place);
      rise(last);
      sink(last);
    },
    due: (nowMs) => {
      const first = size === 0 ? undefined : heap[0];
      return first !== undefined && first.atMs <= nowMs ? first.who : undefined;
    },
  };
}
