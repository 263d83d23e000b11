import { nowMs } from "../shell/clock.ts";
import { zone } from "../shell/preferences.ts";
import { durationText, timeText } from "../text/time.ts";

/** A time with its zone. */
export function Time({ atMs }: { atMs: number }) {
  return <time dateTime={new Date(atMs).toISOString()}>{timeText(atMs, zone.value)}</time>;
}

/** How long ago a time is, with the time itself on demand. */
export function Age({ atMs }: { atMs: number }) {
  return (
    <time dateTime={new Date(atMs).toISOString()} title={timeText(atMs, zone.value)}>
      {durationText(nowMs.value - atMs)}
    </time>
  );
}
