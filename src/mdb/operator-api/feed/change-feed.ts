import type { Store } from "../../../core/ports.ts";
import { changePages } from "./change-pages.ts";
import { type ChangeRing, type Chunk, changeRing } from "./change-ring.ts";
import { eventOf, heartbeat, positionOf } from "./event-stream.ts";
import {
  after,
  noBytes,
  type PackedPart,
  packedEnd,
  packedHead,
  packPart,
  packSmallPart,
  type SentBytes,
} from "./packed-stream.ts";
import { feedWatchers, type Watchers } from "./watchers.ts";

/** The feed of changes as server-sent events (HTML Standard §9.2): `id` is the change's position, `data` a ChangeView. */
export type ChangeFeed = {
  /**
   * A stream of all changes after a position, or from now on; undefined if this caller, or all together, have as many as
   * they may.
   * `mayGoOn` is checked at each heartbeat.
   */
  readonly open: (watcher: {
    readonly since: number | undefined;
    /** Whose watchers are counted; undefined for a caller without a limit, such as a user of the Unix socket. */
    readonly caller: string | undefined;
    readonly mayGoOn: () => boolean;
    /** Whether this watcher gets a packed stream (packed-stream.ts); false if undefined. */
    readonly isPacked?: boolean;
  }) => ReadableStream<Uint8Array> | undefined;
};

/** Watchers that one caller may have at the same time: each keeps a connection, of which all operators share 4,096. */
export const watchersPerCaller = 64;

/** Watchers of all such callers together: the other half of the connections is for commands. */
export const watchersInTotal = 2048;

const packedHeartbeat = packSmallPart(heartbeat);

/** What a feed is made of. */
export type Feed = {
  readonly ring: Pick<ChangeRing, "newest" | "reaches" | "chunkAfter">;
  readonly watchers: Watchers;
  readonly pageAfter: (received: number) => Promise<Chunk>;
  readonly position: () => number;
};

/** A watcher of the feed: the position that it has received, and the function that ends its wait. */
type Watcher = {
  readonly mayGoOn: () => boolean;
  readonly caller: string | undefined;
  /** What a packed stream has sent; undefined for a plain one. */
  packed: SentBytes | undefined;
  received: number;
  arrived: boolean;
  left: boolean;
  stopWaiting: () => void;
};

/**
 * The change feed of a store. Each change is serialised once, whatever the number of watchers. A watcher buffers only
 * one chunk: it records the position that it has received, and requests the next chunk when that one is read.
 */
export function changeFeed(
  store: Pick<Store, "watch" | "position" | "changesSince">,
  ending?: AbortSignal,
): ChangeFeed {
  const ring = changeRing(store.position());
  const watchers = feedWatchers(ring.clear, ending);
  const feed: Feed = { ring, watchers, pageAfter: changePages(store, ring.newest), position: store.position };
  const unwatch = store.watch((change) => {
    if (watchers.count() === 0) return ring.skip(change.position);
    ring.add(change.position, eventOf(change));
    watchers.wakeSoon();
  });
  ending?.addEventListener("abort", unwatch, { once: true });
  return feedOver(feed);
}

/** The streams of a feed, one for each watcher. */
export function feedOver(feed: Feed): ChangeFeed {
  const { watchers, position } = feed;
  return {
    open: ({ since, caller, mayGoOn, isPacked = false }) => {
      const isFull = caller !== undefined && watchers.counted() >= watchersInTotal;
      if (isFull || (caller !== undefined && watchers.countOf(caller) >= watchersPerCaller)) return undefined;
      const received = since ?? position();
      const rest = { received, arrived: false, left: false, stopWaiting: () => {} };
      return streamTo(feed, { mayGoOn, caller, packed: isPacked ? noBytes : undefined, ...rest });
    },
  };
}

function streamTo(feed: Feed, watcher: Watcher): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const first = positionOf(watcher.received);
        if (watcher.packed === undefined) controller.enqueue(first);
        else controller.enqueue(Buffer.concat([packedHead, packFor(watcher, packSmallPart(first))]));
      },
      // Pulled only by a reader, so that nothing is made for one that does not read, such as HEAD.
      pull: async (controller) => {
        if (!watcher.arrived) feed.watchers.arrive(watcher.caller);
        watcher.arrived = true;
        const next = await nextFor(feed, watcher);
        if (next === "end") {
          if (watcher.packed !== undefined) controller.enqueue(packedEnd(watcher.packed));
          controller.close();
        } else if (next !== "left") controller.enqueue(next);
      },
      cancel: () => void end(feed, watcher),
    },
    { highWaterMark: 0 },
  );
}

/**
 * The next chunk for a watcher, once there is one; `end` when it may receive no more, `left` when it has disconnected.
 */
async function nextFor(feed: Feed, watcher: Watcher): Promise<Uint8Array | "end" | "left"> {
  while (!watcher.left) {
    if (feed.watchers.isEnding()) return end(feed, watcher);
    const chunk = isInRing(feed, watcher) ? newIn(feed.ring, watcher) : await feed.pageAfter(watcher.received);
    if (chunk !== undefined) {
      watcher.received = chunk.upTo;
      if (chunk.bytes.length === 0) continue;
      if (watcher.packed === undefined) return chunk.bytes;
      return packFor(watcher, chunk.packed ?? (await packPart(chunk.bytes)));
    }
    const wait = feed.watchers.wait();
    watcher.stopWaiting = wait.stop;
    if ((await wait.woken) !== "heartbeat") continue;
    if (!watcher.mayGoOn()) return end(feed, watcher);
    return watcher.packed === undefined ? heartbeat : packFor(watcher, packedHeartbeat);
  }
  return "left";
}

/** A position beyond all known ones is that of another database, or of one that was restored to an earlier state. */
function isInRing({ ring, position }: Feed, { received }: Watcher): boolean {
  return ring.reaches(received) && received <= Math.max(ring.newest(), position());
}

function newIn(ring: Feed["ring"], { received }: Watcher): Chunk | undefined {
  return received < ring.newest() ? ring.chunkAfter(received) : undefined;
}

/** The bytes of a part for a watcher, which counts them. */
function packFor(watcher: Watcher, part: PackedPart): Uint8Array {
  watcher.packed = after(watcher.packed ?? noBytes, part);
  return part.bytes;
}

function end({ watchers }: Feed, watcher: Watcher): "end" {
  if (watcher.left) return "end";
  watcher.left = true;
  watcher.stopWaiting();
  if (watcher.arrived) watchers.leave(watcher.caller);
  return "end";
}
