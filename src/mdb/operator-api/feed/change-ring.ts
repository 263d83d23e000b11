/** Changes that are kept as bytes for the watchers there are; whoever is further behind is read to from the database. */
const ringLimit = 5000;
const ringBytes = 16 * 1024 * 1024;
/** Handed to a watcher at once. */
const chunkBytes = 256 * 1024;

type Entry = { readonly position: number; readonly bytes: Uint8Array };

/** What is next for everybody who has heard up to one position. */
export type Chunk = { readonly upTo: number; readonly bytes: Uint8Array };

/** The newest changes, each put in words once. */
export type ChangeRing = {
  /** The position of the newest change that was told. */
  readonly newest: () => number;
  /** Whether all changes after a position are in the ring. */
  readonly reaches: (position: number) => boolean;
  readonly add: (position: number, bytes: Uint8Array) => void;
  /** A change that nobody watches for. */
  readonly skip: (position: number) => void;
  /** Nobody watches any more. */
  readonly clear: () => void;
  /** What comes after a position that the ring reaches, the same bytes for all who ask. */
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
      const gone = entries.shift();
      if (gone === undefined) return;
      after = gone.position;
      bytesHeld -= gone.bytes.length;
    }
  }

  return {
    newest: () => newest,
    reaches: (heard) => heard >= after,
    add: (added, bytes) => {
      // Positions between are documents', or changes that nobody told: the store took its fleet in anew. The database knows.
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
    chunkAfter: (heard) => {
      const known = chunks.get(heard) ?? cutChunk(entries, heard);
      chunks.set(heard, known);
      return known;
    },
  };
}

function cutChunk(entries: readonly Entry[], heard: number): Chunk {
  const parts: Uint8Array[] = [];
  let upTo = heard;
  let length = 0;
  for (let at = firstBehind(entries, heard); at < entries.length && length < chunkBytes; at += 1) {
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
