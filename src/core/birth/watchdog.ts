/**
 * The decisions of the watchdog process: PID 1 sends one line per step with its time limit in seconds; the hardware is
 * petted only until that limit. The hardware thus resets a machine whose PID 1 hangs, also inside the kernel.
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
  /** PID 1 has ended or has closed the pipe without releasing the device. */
  | { readonly kind: "closed" };

/** What to do with the device: `pet` it, `allowRestart`, `release` it for good, or `withhold`: let it reset the machine. */
export type WatchdogAction = "pet" | "allowRestart" | "release" | "withhold";

export type WatchdogTurn = { readonly state: WatchdogState; readonly action: WatchdogAction };

/** The line that releases the hardware before the hand-over. */
export const releaseLine = "release";

/** The line that announces a restart of the machine. */
export const restartLine = "restart";
/** Time limit of a restart. The hardware's time-out must be longer, because some watchdogs keep counting during the firmware's self-test. */
const restartMs = 60_000;
/** The hardware's time-out during a restart, in seconds: the self-test of a server takes minutes. */
export const restartHardwareSeconds = 300;

/** The line that announces the next step of PID 1 and its time limit. */
export function stepLine(step: string, seconds: number): string {
  return `${Math.ceil(seconds)} ${step.replace(/\s+/g, " ")}`;
}

/** The initial state allows some time before the first line. */
export function startWatching(nowMs: number): WatchdogState {
  return { kind: "watching", step: "start", deadlineMs: nowMs + 60_000 };
}

/** One step of the watchdog process. `overdue` is final: a step that continues too late must not cancel the reset. */
export function watchdogTurn(state: WatchdogState, event: WatchdogEvent, nowMs: number): WatchdogTurn {
  if (state.kind === "released") return { state, action: "release" };
  if (state.kind === "overdue") return { state, action: "withhold" };
  if (nowMs > state.deadlineMs) return overdue(state.step);
  switch (event.kind) {
    case "tick":
      return { state, action: "pet" };
    case "closed":
      return overdue(`${state.step} (PID 1 has ended)`);
    case "line": {
      if (event.text === releaseLine) return { state: { kind: "released" }, action: "release" };
      if (event.text === restartLine)
        return { state: { kind: "watching", step: "restart", deadlineMs: nowMs + restartMs }, action: "allowRestart" };
      const match = /^(\d{1,6}) (.+)$/.exec(event.text);
      // Only PID 1 writes to the pipe, so this is a bug; continuing with the old deadline would hide it.
      if (match === null) return overdue(`${state.step} (unreadable line: ${event.text.slice(0, 80)})`);
      const deadlineMs = nowMs + Number(match[1]) * 1000;
      return { state: { kind: "watching", step: match[2] ?? "", deadlineMs }, action: "pet" };
    }
  }
}

function overdue(step: string): WatchdogTurn {
  return { state: { kind: "overdue", step }, action: "withhold" };
}
