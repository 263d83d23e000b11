import { signal } from "@preact/signals";
import { EventReader, type StreamEvent } from "./event-reader.ts";

/** How the feed is: what is on the screen is as old as `heardAtMs` when it is not live. */
export const feedState = signal<"connecting" | "live" | "cut">("connecting");
/** When the server was last heard, by the page's monotonic clock. */
export const heardAtMs = signal(0);

/** A feed to follow. */
export type Feed = {
  readonly path: string;
  /** The kind of event that `take` gets the data of. */
  readonly event: string;
  readonly end: AbortSignal;
  /** Whether everything has to be read, because nothing was yet and no reading is under way. */
  readonly isFresh: () => boolean;
  /** Reads everything: at the beginning, and when the feed says that changes are missing. */
  readonly begun: () => Promise<void>;
  readonly take: (data: string) => void;
};

/** A connection without a byte for this long is dead: the server sends a comment at least every 15 s. */
const silentMs = 35_000;
const [shortestWaitMs, longestWaitMs] = [500, 10_000];

/** Follows a feed over cuts and restarts of the server, until its end. */
export async function followFeed(feed: Feed): Promise<void> {
  const { end } = feed;
  // A session before may have left it live.
  feedState.value = "connecting";
  heardAtMs.value = 0;
  let position: number | undefined;
  let waitMs = shortestWaitMs;
  while (!end.aborted) {
    const startedAtMs = performance.now();
    try {
      position = await read(feed, position);
    } catch {
      // The cut itself is what the screen shows; the next attempt follows.
    }
    if (end.aborted) return;
    feedState.value = "cut";
    if (performance.now() - startedAtMs > longestWaitMs) waitMs = shortestWaitMs;
    // Spread, so that all dashboards of a site do not come back in the same moment.
    await sleep(waitMs * (0.5 + Math.random() / 2), end);
    waitMs = Math.min(longestWaitMs, waitMs * 1.5);
  }
}

/** Reads one connection to its end; returns the position from which the next goes on. */
async function read(feed: Feed, since: number | undefined): Promise<number | undefined> {
  const { path, end } = feed;
  let position = since;
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silentMs);
  try {
    const response = await fetch(since === undefined ? path : `${path}?since=${since}`, {
      ...{ credentials: "same-origin", headers: { accept: "text/event-stream" } },
      signal: AbortSignal.any([silence.signal, end]),
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      return position;
    }
    const reader = new EventReader();
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return position;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silentMs);
      heardAtMs.value = performance.now();
      feedState.value = "live";
      for (const event of reader.take(value)) position = takeEvent(feed, event);
    }
  } catch {
    return position;
  } finally {
    clearTimeout(timer);
  }
}

function takeEvent(feed: Feed, { event, id, data }: StreamEvent): number {
  if (event === feed.event) feed.take(data);
  else if (event === "reset" || feed.isFresh()) void feed.begun();
  return Number(id);
}

async function sleep(ms: number, end: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    end.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
