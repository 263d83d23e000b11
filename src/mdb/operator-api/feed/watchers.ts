/** Shorter than the silence after which proxies cut a connection. */
const heartbeatMs = 15_000;

/** Why one that waited goes on. */
export type Woken = "changes" | "heartbeat" | "gone";

/** Those who follow the feed: how many, and who of them waits for something new. */
export type Watchers = {
  readonly count: () => number;
  readonly arrive: () => void;
  readonly leave: () => void;
  /** There is something new: all who wait go on after this turn of the event loop. */
  readonly wakeSoon: () => void;
  /** Waits for something new, or for the next heartbeat; `stop` ends the wait as `gone`. */
  readonly wait: () => { readonly woken: Promise<Woken>; readonly stop: () => void };
};

/** Nobody yet; `onEmpty` is told when the last one leaves. */
export function feedWatchers(onEmpty: () => void): Watchers {
  const waiting = new Set<(why: Woken) => void>();
  let count = 0;
  let beating: NodeJS.Timeout | undefined;
  let waking = false;

  function wake(why: Woken): void {
    const woken = [...waiting];
    waiting.clear();
    for (const resume of woken) resume(why);
  }

  return {
    count: () => count,
    arrive: () => {
      count += 1;
      beating ??= setInterval(() => wake("heartbeat"), heartbeatMs).unref();
    },
    leave: () => {
      count -= 1;
      if (count > 0) return;
      clearInterval(beating);
      beating = undefined;
      onEmpty();
    },
    wakeSoon: () => {
      if (waking) return;
      waking = true;
      // A transaction brings many changes: they go out together.
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
        resolve("gone");
      };
      return { woken: promise, stop };
    },
  };
}
