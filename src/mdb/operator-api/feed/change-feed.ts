import { viewChange } from "../../../contract/operator/views.ts";
import type { PastChange, Store } from "../../../core/ports.ts";

/** The feed of changes as server-sent events (HTML Standard §9.2): `id` is the change's position, `data` a ChangeView. */
export type ChangeFeed = {
  /** A stream of all changes after a position, or from now on. `mayGoOn` is asked at each heartbeat. */
  readonly open: (watcher: {
    readonly since: number | undefined;
    readonly mayGoOn: () => boolean;
  }) => ReadableStream<Uint8Array>;
};

/** Changes that are kept as bytes for the watchers there are; whoever is further behind is read to from the database. */
const ringLimit = 5000;
const ringBytes = 16 * 1024 * 1024;
/** Handed to a watcher at once. */
const chunkBytes = 256 * 1024;
/** Changes read from the database at once for a watcher that comes back. */
const pageLimit = 500;
/** Shorter than the silence after which proxies cut a connection. */
const heartbeatMs = 15_000;
/** How long a client should wait before it comes back. */
const retryMs = 2000;

const encoder = new TextEncoder();
const heartbeat = encoder.encode(":\n\n");

type Entry = { readonly position: number; readonly bytes: Uint8Array };
/** What is next for everybody who has heard up to one position. */
type Chunk = { readonly upTo: number; readonly bytes: Uint8Array };

/**
 * The change feed of a store. Each change is put in words once, whatever the number of watchers; a watcher holds no
 * buffer but one chunk: it says how far it has heard, and asks for what is next when it has been read.
 */
export function changeFeed(store: Pick<Store, "watch" | "position" | "changesSince">): ChangeFeed {
  const ring: Entry[] = [];
  let bytesInRing = 0;
  /** All changes after this position are in the ring. */
  let ringAfter = store.position();
  let newest = ringAfter;
  let chunks = new Map<number, Chunk>();
  const pages = new Map<number, Promise<Chunk>>();
  const waiting = new Set<(why: "changes" | "heartbeat") => void>();
  let watchers = 0;
  let beating: NodeJS.Timeout | undefined;
  let waking = false;

  const wake = (why: "changes" | "heartbeat") => {
    const woken = [...waiting];
    waiting.clear();
    for (const resume of woken) resume(why);
  };
  store.watch((change) => {
    // Positions between are documents', or changes that nobody told: the store took its fleet in anew. The database knows.
    const isNext = change.position === newest + 1;
    newest = change.position;
    if (watchers === 0 || !isNext) forgetRing();
    if (watchers === 0) return;
    if (!isNext) ringAfter = change.position - 1;
    const bytes = eventOf(change);
    ring.push({ position: change.position, bytes });
    bytesInRing += bytes.length;
    while (ring.length > ringLimit || bytesInRing > ringBytes) {
      const gone = ring.shift();
      if (gone === undefined) break;
      ringAfter = gone.position;
      bytesInRing -= gone.bytes.length;
    }
    chunks = new Map();
    if (waking) return;
    waking = true;
    // A transaction brings many changes: they go out together.
    setImmediate(() => {
      waking = false;
      wake("changes");
    });
  });
  const forgetRing = () => {
    ring.length = 0;
    bytesInRing = 0;
    chunks.clear();
    ringAfter = newest;
  };
  const arrive = () => {
    watchers += 1;
    beating ??= setInterval(() => wake("heartbeat"), heartbeatMs).unref();
  };
  const leave = () => {
    watchers -= 1;
    if (watchers > 0) return;
    clearInterval(beating);
    beating = undefined;
    forgetRing();
  };
  const nextChunk = (heard: number): Chunk => {
    const known = chunks.get(heard);
    if (known !== undefined) return known;
    const parts: Uint8Array[] = [];
    let upTo = heard;
    let length = 0;
    for (let at = firstBehind(ring, heard); at < ring.length && length < chunkBytes; at += 1) {
      const { position, bytes } = ring[at] as Entry;
      parts.push(bytes);
      upTo = position;
      length += bytes.length;
    }
    const chunk = { upTo, bytes: Buffer.concat(parts, length) };
    chunks.set(heard, chunk);
    return chunk;
  };
  /** The same, from the database; those who wait for the same page share one query. */
  const fromDatabase = (heard: number): Promise<Chunk> => {
    const asked = pages.get(heard);
    if (asked !== undefined) return asked;
    const page = readPage(heard).finally(() => pages.delete(heard));
    pages.set(heard, page);
    return page;
  };
  /** What comes after a position: the next page, or that it is not known any more. */
  const readPage = async (heard: number): Promise<Chunk> => {
    const reached = newest;
    const page = await store.changesSince(heard, pageLimit);
    if (page.kind === "tooOld") {
      const position = store.position();
      return { upTo: position, bytes: resetOf(position, page.oldest) };
    }
    const { changes } = page;
    const last = changes.at(-1);
    // Positions of documents are not on the feed: a page that is not full has reached what was newest.
    const upTo =
      last === undefined || changes.length < pageLimit ? Math.max(reached, last?.position ?? 0) : last.position;
    return { upTo, bytes: Buffer.concat(changes.map(eventOf)) };
  };

  return {
    open: ({ since, mayGoOn }) => {
      let heard = since ?? store.position();
      let arrived = false;
      let gone = false;
      let stopWaiting = () => {};
      const nothingNew = () =>
        new Promise<"changes" | "heartbeat" | "gone">((resolve) => {
          waiting.add(resolve);
          stopWaiting = () => {
            waiting.delete(resolve);
            resolve("gone");
          };
        });
      const end = () => {
        if (gone) return;
        gone = true;
        stopWaiting();
        if (arrived) leave();
      };
      // Asked for by a reader only: nothing is made for one that does not read, as HEAD does not.
      return new ReadableStream<Uint8Array>(
        {
          start: (controller) => controller.enqueue(positionOf(heard)),
          pull: async (controller) => {
            if (!arrived) arrive();
            arrived = true;
            while (!gone) {
              // Greater than all: a position of another database, or of one that was set back.
              if (heard < ringAfter || heard > Math.max(newest, store.position())) {
                const { upTo, bytes } = await fromDatabase(heard);
                heard = upTo;
                if (bytes.length === 0) continue;
                controller.enqueue(bytes);
                return;
              }
              if (heard < newest) {
                const { upTo, bytes } = nextChunk(heard);
                heard = upTo;
                controller.enqueue(bytes);
                return;
              }
              const why = await nothingNew();
              if (why !== "heartbeat") continue;
              if (!mayGoOn()) {
                end();
                controller.close();
              } else controller.enqueue(heartbeat);
              return;
            }
          },
          cancel: end,
        },
        { highWaterMark: 0 },
      );
    },
  };
}

function eventOf(change: PastChange): Uint8Array {
  return encoder.encode(`id: ${change.position}\nevent: change\ndata: ${JSON.stringify(viewChange(change))}\n\n`);
}

/** The first word: from where on this watcher hears, so that it can come back before anything has happened. */
function positionOf(position: number): Uint8Array {
  return encoder.encode(
    `retry: ${retryMs}\nid: ${position}\nevent: position\ndata: ${JSON.stringify({ position })}\n\n`,
  );
}

function resetOf(position: number, oldest: number): Uint8Array {
  return encoder.encode(`id: ${position}\nevent: reset\ndata: ${JSON.stringify({ position, oldest })}\n\n`);
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
