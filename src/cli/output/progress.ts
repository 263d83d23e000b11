import type { Progress } from "../act/actions.ts";

/** Minimum interval between updates in milliseconds: a terminal is slower than a copy. */
const shownEveryMs = 200;

/** Shows progress on a terminal as one line that is rewritten; prints nothing elsewhere. */
export function showProgress(what: string): Progress {
  let shownAtMs = 0;
  return (done, total) => {
    if (!process.stderr.isTTY || (done < total && Date.now() - shownAtMs < shownEveryMs)) return;
    shownAtMs = Date.now();
    process.stderr.write(`\r${done} of ${total} ${what}\u001b[K${done >= total ? "\n" : ""}`);
  };
}
