import * as host from "host";
import type { Log } from "../../../core/ports.ts";
import { messageOf } from "../../birth/stop.ts";
import type { Poll } from "../mdb/poll.ts";

/** How often an update says how far it is; less often while the server does not answer, because each try holds it up. */
const reportMs = 15_000;
const unheardMs = 300_000;

/** Says now and then how far an update is; to be called after each of its steps. Never fails. */
export function updateProgress(
  poll: Poll,
  log: Log,
  secondsSinceCheck: () => number,
): (done: number, total: number) => void {
  let dueMs = 0;
  return (done, total) => {
    const nowMs = host.monotonicMs();
    // A short update says nothing.
    if (done <= 1) dueMs = nowMs + reportMs;
    if (nowMs < dueMs) return;
    dueMs = nowMs + reportMs;
    try {
      poll.ask({ secondsSinceCheck: secondsSinceCheck(), progress: { what: "update", done, total } });
    } catch (error) {
      log("warn", "reporting the progress of an update failed", { fault: messageOf(error) });
      dueMs = host.monotonicMs() + unheardMs;
    }
  };
}
