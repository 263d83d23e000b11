import type { Store } from "../../../core/ports.ts";
import { changePages } from "./change-pages.ts";
import { type ChangeRing, type Chunk, changeRing } from "./change-ring.ts";
import { eventOf, heartbeat, positionOf } from "./event-stream.ts";
import { feedWatchers, type Watchers } from "./watchers.ts";

/** The feed of changes as server-sent events (HTML Standard §9.2): `id` is the change's position, `data` a ChangeView. */
export type ChangeFeed = {
  /** A stream of all changes after a position, or from now on. `mayGoOn` is asked at each heartbeat. */
  readonly open: (watcher: {
    readonly since: number | undefined;
    readonly mayGoOn: () => boolean;
  }) => ReadableStream<Uint8Array>;
};

type Feed = {
  readonly ring: ChangeRing;
  readonly watchers: Watchers;
  readonly pageAfter: (heard: number) => Promise<Chunk>;
  readonly position: () => number;
};

/** One who follows: how far it has heard, and what ends its wait. */
type Watcher = {
  readonly mayGoOn: () => boolean;
  heard: number;
  arrived: boolean;
  gone: boolean;
  stopWaiting: () => void;
};

/**
 * The change feed of a store. Each change is put in words once, whatever the number of watchers; a watcher holds no
 * buffer but one chunk: it says how far it has heard, and asks for what is next when it has been read.
 */
export function changeFeed(store: Pick<Store, "watch" | "position" | "changesSince">): ChangeFeed {
  const ring = changeRing(store.position());
  const watchers = feedWatchers(ring.clear);
  const feed: Feed = { ring, watchers, pageAfter: changePages(store, ring.newest), position: store.position };
  store.watch((change) => {
    if (watchers.count() === 0) return ring.skip(change.position);
    ring.add(change.position, eventOf(change));
    watchers.wakeSoon();
  });
  return {
    open: ({ since, mayGoOn }) => {
      const heard = since ?? store.position();
      return streamTo(feed, { mayGoOn, heard, arrived: false, gone: false, stopWaiting: () => {} });
    },
  };
}

function streamTo(feed: Feed, watcher: Watcher): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(positionOf(watcher.heard)),
      // Asked for by a reader only: nothing is made for one that does not read, as HEAD does not.
      pull: async (controller) => {
        if (!watcher.arrived) feed.watchers.arrive();
        watcher.arrived = true;
        const next = await nextFor(feed, watcher);
        if (next === "end") controller.close();
        else if (next !== "gone") controller.enqueue(next);
      },
      cancel: () => end(feed, watcher),
    },
    { highWaterMark: 0 },
  );
}

/** What a watcher hears next, when there is something; `end` when it may hear no more, `gone` when it has left. */
async function nextFor(feed: Feed, watcher: Watcher): Promise<Uint8Array | "end" | "gone"> {
  while (!watcher.gone) {
    const chunk = isInRing(feed, watcher) ? newIn(feed.ring, watcher) : await feed.pageAfter(watcher.heard);
    if (chunk !== undefined) {
      watcher.heard = chunk.upTo;
      if (chunk.bytes.length > 0) return chunk.bytes;
      continue;
    }
    const wait = feed.watchers.wait();
    watcher.stopWaiting = wait.stop;
    if ((await wait.woken) !== "heartbeat") continue;
    if (watcher.mayGoOn()) return heartbeat;
    end(feed, watcher);
    return "end";
  }
  return "gone";
}

/** Greater than all would be a position of another database, or of one that was set back. */
function isInRing({ ring, position }: Feed, { heard }: Watcher): boolean {
  return ring.reaches(heard) && heard <= Math.max(ring.newest(), position());
}

function newIn(ring: ChangeRing, { heard }: Watcher): Chunk | undefined {
  return heard < ring.newest() ? ring.chunkAfter(heard) : undefined;
}

function end({ watchers }: Feed, watcher: Watcher): void {
  if (watcher.gone) return;
  watcher.gone = true;
  watcher.stopWaiting();
  if (watcher.arrived) watchers.leave();
}
