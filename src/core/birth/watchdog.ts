/**
 * The mind of the watchdog process: PID 1 sends one line a step with the seconds it may take; the hardware is petted
 * only while that time has not passed. So a PID 1 that hangs, in the kernel too, is reset by the hardware.
 */
export type WatchdogState =
  | { readonly kind: "watching"; readonly step: string; readonly deadlineMs: number }
  | { readonly kind: "overdue"; readonly step: string }
  | { readonly kind: "released" };

export type WatchdogEvent =
  /** A line from PID 1: `SECONDS STEP`, or `release`. */
  | { readonly kind: "line"; readonly text: string }
  /** Time has passed. */
  | { readonly kind: "tick" }
  /** PID 1 is gone or has closed the pipe without a word. */
  | { readonly kind: "closed" };

/** What to do with the device: `pet` it, `allowRestart`, `release` it for good, or `withhold`: let it reset the machine. */
export type WatchdogAction = "pet" | "allowRestart" | "release" | "withhold";

export type WatchdogTurn = { readonly state: WatchdogState; readonly action: WatchdogAction };

/** The line that lets the hardware go before the hand-over. */
export const releaseLine = "release";

/** The line that says that PID 1 restarts the machine. */
export const restartLine = "restart";
/** What that may take before the hardware's time-out, which some watchdogs count on through the firmware's self-test, must be longer. */
const restartMs = 60_000;
/** The hardware's time-out over a restart, in seconds: a server's self-test takes minutes. */
export const restartHardwareSeconds = 300;

/** The line that says what PID 1 does next and how long it may take. */
export function stepLine(step: string, seconds: number): string {
  return `${Math.ceil(seconds)} ${step.replace(/\s+/g, " ")}`;
}

/** Before the first line there is a little time to come up. */
export function startWatching(nowMs: number): WatchdogState {
  return { kind: "watching", step: "start", deadlineMs: nowMs + 60_000 };
}

/** One turn of the watchdog process. Overdue is final: a step that woke up too late must not undo the reset. */
export function watchdogTurn(state: WatchdogState, event: WatchdogEvent, nowMs: number): WatchdogTurn {
  if (state.kind === "released") return { state, action: "release" };
  if (state.kind === "overdue") return { state, action: "withhold" };
  if (nowMs > state.deadlineMs) return overdue(state.step);
  switch (event.kind) {
    case "tick":
      return { state, action: "pet" };
    case "closed":
      return overdue(`${state.step} (the configuration tool is gone)`);
    case "line": {
      if (event.text === releaseLine) return { state: { kind: "released" }, action: "release" };
      if (event.text === restartLine)
        return { state: { kind: "watching", step: "restart", deadlineMs: nowMs + restartMs }, action: "allowRestart" };
      const match = /^(\d{1,6}) (.+)$/.exec(event.text);
      // Nobody else writes to the pipe: this is a fault of ours, and to go on with an old deadline would hide it.
      if (match === null) return overdue(`${state.step} (a line that cannot be read: ${event.text.slice(0, 80)})`);
      const deadlineMs = nowMs + Number(match[1]) * 1000;
      return { state: { kind: "watching", step: match[2] ?? "", deadlineMs }, action: "pet" };
    }
  }
}

function overdue(step: string): WatchdogTurn {
  return { state: { kind: "overdue", step }, action: "withhold" };
}
