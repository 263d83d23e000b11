import { signal } from "@preact/signals";
import type { ChangeView } from "../../contract/operator/views.ts";
import { EventReader } from "./event-reader.ts";

/** How the feed stands: what is on the screen is as old as `heardAtMs` when it is not live. */
export const feedState = signal<"connecting" | "live" | "cut">("connecting");
/** When the server was last heard, by the page's monotonic clock. */
export const heardAtMs = signal(0);

/** What the feed brings. */
export type FeedListener = {
  readonly changes: (changes: readonly ChangeView[]) => void;
  /** Changes are missing: everything has to be read again. */
  readonly lost: () => void;
};

/** A connection without a byte for this long is dead: the server sends a comment every 15 s. */
const silentMs = 35_000;
const [shortestWaitMs, longestWaitMs] = [500, 10_000];

/** Follows the feed from a position on, over cuts and restarts, until `end` is aborted. */
export async function followFeed(since: number, listener: FeedListener, end: AbortSignal): Promise<void> {
  let position = since;
  let waitMs = shortestWaitMs;
  while (!end.aborted) {
    const before = position;
    try {
      await read(position, end, (events) => {
        waitMs = shortestWaitMs;
        const changes: ChangeView[] = [];
        for (const { id, event, data } of events) {
          if (event === "change") changes.push(JSON.parse(data));
          // The first event repeats the position that was asked for.
          if (event === "reset") listener.lost();
          position = Number(id);
        }
        if (changes.length > 0) listener.changes(changes);
      });
    } catch {
      // The cut itself is what the screen shows; the next attempt follows.
    }
    if (end.aborted) return;
    feedState.value = "cut";
    // Spread, so that all dashboards of a site do not come back in the same moment.
    await sleep(waitMs * (0.5 + Math.random() / 2), end);
    waitMs = position > before ? shortestWaitMs : Math.min(longestWaitMs, waitMs * 2);
  }
}

async function read(
  since: number,
  end: AbortSignal,
  take: (events: ReturnType<EventReader["take"]>) => void,
): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silentMs);
  try {
    const response = await fetch(`/v1/changes?since=${since}`, {
      ...{ credentials: "same-origin", headers: { accept: "text/event-stream" } },
      signal: AbortSignal.any([silence.signal, end]),
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      return;
    }
    const reader = new EventReader();
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await pieces.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silentMs);
      heardAtMs.value = performance.now();
      feedState.value = "live";
      take(reader.take(value));
    }
  } finally {
    clearTimeout(timer);
  }
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
