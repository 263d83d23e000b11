import type { PackedPart } from "./packed-stream.ts";

/**
 * Limits of the changes kept as bytes for current watchers; a watcher that is further behind reads from the database.
 */
const ringLimit = 5000;
const ringBytes = 16 * 1024 * 1024;
/** Size of a chunk for a watcher. */
const chunkBytes = 256 * 1024;

type Entry = { readonly position: number; readonly bytes: Uint8Array };

/** The next bytes for all watchers that have received up to one position; `packed` is the same as a part of a packed stream. */
export type Chunk = { readonly upTo: number; readonly bytes: Uint8Array; readonly packed?: PackedPart };

/** The newest changes, each serialised once. */
export type ChangeRing = {
  /** The position of the newest announced change. */
  readonly newest: () => number;
  /** Whether all changes after a position are in the ring. */
  readonly reaches: (position: number) => boolean;
  readonly add: (position: number, bytes: Uint8Array) => void;
  /** Skips a change that nobody watches for. */
  readonly skip: (position: number) => void;
  /** Empties the ring, after the last watcher has left. */
  readonly clear: () => void;
  /** The bytes after a position that the ring reaches; the same bytes for all callers. */
  readonly chunkAfter: (position: number) => Chunk;
};

/** A ring that begins after a position. */
export function changeRing(position: number): ChangeRing {
  const entries: Entry[] = [];
  let bytesHeld = 0;
  let after = position;
  let newest = position;
  let chunks = new Map<number, Chunk>();

  function clear(): void {
    entries.length = 0;
    bytesHeld = 0;
    chunks.clear();
    after = newest;
  }

  function trim(): void {
    while (entries.length > ringLimit || bytesHeld > ringBytes) {
      const removed = entries.shift();
      if (removed === undefined) return;
      after = removed.position;
      bytesHeld -= removed.bytes.length;
    }
  }

  return {
    newest: () => newest,
    reaches: (received) => received >= after,
    add: (added, bytes) => {
      // Positions in between belong to documents, or to unannounced changes after the store reloaded its fleet. The
      // database knows them.
      const isNext = added === newest + 1;
      newest = added;
      if (!isNext) {
        clear();
        after = added - 1;
      }
      entries.push({ position: added, bytes });
      bytesHeld += bytes.length;
      trim();
      chunks = new Map();
    },
    skip: (skipped) => {
      newest = skipped;
      clear();
    },
    clear,
    chunkAfter: (received) => {
      const known = chunks.get(received) ?? cutChunk(entries, received);
      chunks.set(received, known);
      return known;
    },
  };
}

function cutChunk(entries: readonly Entry[], received: number): Chunk {
  const parts: Uint8Array[] = [];
  let upTo = received;
  let length = 0;
  for (let at = firstBehind(entries, received); at < entries.length && length < chunkBytes; at += 1) {
    const { position, bytes } = entries[at] as Entry;
    parts.push(bytes);
    upTo = position;
    length += bytes.length;
  }
  return { upTo, bytes: Buffer.concat(parts, length) };
}

function firstBehind(ring: readonly Entry[], position: number): number {
  let [low, high] = [0, ring.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ring[middle]?.position ?? 0) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
