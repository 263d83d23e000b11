/** Shorter than the idle time after which proxies cut a connection. */
const heartbeatMs = 15_000;

/** Why a watcher stopped waiting. */
export type Woken = "changes" | "heartbeat" | "left" | "end";

/** The watchers of the feed: their number, and which of them wait for changes. */
export type Watchers = {
  readonly count: () => number;
  readonly countOf: (caller: string) => number;
  /** The number of those whose caller is counted. */
  readonly counted: () => number;
  readonly arrive: (caller: string | undefined) => void;
  readonly leave: (caller: string | undefined) => void;
  /** Wakes all waiting watchers after this turn of the event loop. */
  readonly wakeSoon: () => void;
  /** Whether the server ends; that wakes all who wait, as `end`. */
  readonly isEnding: () => boolean;
  /** Waits for changes, or for the next heartbeat; `stop` ends the wait as `left`. */
  readonly wait: () => { readonly woken: Promise<Woken>; readonly stop: () => void };
};

/** No watchers yet; `onEmpty` is called when the last one leaves; `ending` ends the waits of all. */
export function feedWatchers(onEmpty: () => void, ending?: AbortSignal): Watchers {
  const waiting = new Set<(why: Woken) => void>();
  const counts = new Map<string, number>();
  let [count, counted] = [0, 0];
  let beating: NodeJS.Timeout | undefined;
  let waking = false;

  function wake(why: Woken): void {
    const woken = [...waiting];
    waiting.clear();
    for (const resume of woken) resume(why);
  }

  /** Callers without a limit are not counted one by one. */
  function change(caller: string | undefined, by: 1 | -1): void {
    if (caller === undefined) return;
    counted += by;
    const left = (counts.get(caller) ?? 0) + by;
    if (left > 0) counts.set(caller, left);
    else counts.delete(caller);
  }

  ending?.addEventListener("abort", () => wake("end"), { once: true });

  return {
    isEnding: () => ending?.aborted === true,
    count: () => count,
    counted: () => counted,
    countOf: (caller) => counts.get(caller) ?? 0,
    arrive: (caller) => {
      count += 1;
      change(caller, 1);
      beating ??= setInterval(() => wake("heartbeat"), heartbeatMs).unref();
    },
    leave: (caller) => {
      count -= 1;
      change(caller, -1);
      if (count > 0) return;
      clearInterval(beating);
      beating = undefined;
      onEmpty();
    },
    wakeSoon: () => {
      if (waking) return;
      waking = true;
      // A transaction makes many changes, which are sent together.
      setImmediate(() => {
        waking = false;
        wake("changes");
      });
    },
    wait: () => {
      const { promise, resolve } = Promise.withResolvers<Woken>();
      waiting.add(resolve);
      const stop = () => {
        waiting.delete(resolve);
        resolve("left");
      };
      return { woken: promise, stop };
    },
  };
}
