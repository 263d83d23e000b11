import type { Clock } from "../core/ports.ts";

/** Acts once, after this time of the clock; the returned function stops the timer. A simulated clock has timers of its own. */
export function startTimer({ startTimer: start }: Clock, afterMs: number, act: () => void): () => void {
  if (start !== undefined) return start(afterMs, act);
  const timer = setTimeout(act, afterMs);
  return () => clearTimeout(timer);
}

/** Acts after each interval of the clock, until stopped. It does not keep the process running. */
export function startInterval({ startTimer: start }: Clock, everyMs: number, act: () => void): () => void {
  if (start === undefined) {
    const timer = setInterval(act, everyMs).unref();
    return () => clearInterval(timer);
  }
  const next = () => {
    stop = start(everyMs, next);
    act();
  };
  let stop = start(everyMs, next);
  return () => stop();
}
