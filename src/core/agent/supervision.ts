import type { RejectedAgent } from "./version.ts";

/**
 * The agents of a machine, as its disk records them. Without `current` the installed agent runs: the one that the birth put there,
 * which is never replaced.
 */
export type StoredAgents = {
  readonly current?: string;
  /** What ran before `current`, if that was not the installed agent. */
  readonly previous?: string;
  /** A version that is in place and was not confirmed yet. `attempts`: how often a boot began to try it. */
  readonly trial?: { readonly version: string; readonly deadlineSeconds: number; readonly attempts: number };
  readonly rejected?: RejectedAgent;
};

/** The process that the supervisor has started: an agent, by its version; the installed one has none. */
type AgentProcess =
  | { readonly kind: "none"; readonly startAtMs: number }
  | { readonly kind: "running"; readonly version?: string; readonly sinceMs: number }
  /** A trial that was late, or an agent that was silent: killed, until it has ended. */
  | { readonly kind: "killed"; readonly reason: string };

/** What the supervisor of a machine's agents knows. Times are of the monotonic clock. */
export type Supervision = {
  readonly stored: StoredAgents;
  readonly process: AgentProcess;
  /** The trial that this supervisor has begun. */
  readonly trial?: { readonly deadlineMs: number; readonly ends: number };
  /** How many times in a row the agent ended soon after its start. */
  readonly shortRuns: number;
};

export type SupervisionEvent =
  /** Time has passed. `confirmed`: the version that a trial confirmed. `aliveMs`: when an agent last gave a sign of life, if any did. */
  | { readonly kind: "tick"; readonly confirmed: string | undefined; readonly aliveMs?: number }
  /** The process has ended. `stored`: the record, which an agent changes when it has put a new version in place. */
  | {
      readonly kind: "ended";
      readonly status: number;
      readonly stored: StoredAgents;
      readonly confirmed: string | undefined;
    }
  /** The agent to start cannot be started. */
  | { readonly kind: "unusable"; readonly reason: string };

/** What to do. `tidy` removes all versions but these, and what the last trial left. */
export type SupervisionAction =
  | { readonly kind: "none" }
  | { readonly kind: "start"; readonly version?: string }
  | { readonly kind: "kill"; readonly reason: string }
  | { readonly kind: "tidy"; readonly keep: readonly string[] };

/** `save`: `state.stored` has to be on the disk before the action. */
export type SupervisionTurn = {
  readonly state: Supervision;
  readonly save: boolean;
  readonly action: SupervisionAction;
};

/** Limits of a trial and of an agent that ends again and again. */
export const supervisionLimits = {
  /** Boots that may try a version: the first one may have lost its power for a reason of its own. */
  attempts: 2,
  /** Ends of a trial. */
  trialEnds: 3,
  restartMs: 5000,
  /** A run shorter than this counts as short; after `shortRuns` of them in a row the former version takes over. */
  shortMs: 60_000,
  shortRuns: 5,
  /**
   * Without a sign of life for this long an agent hangs, in a device or in the firmware, and is started again. Shorter than the
   * deadline after which the server takes the machine for silent; longer than any step between two signs.
   */
  silentMs: 600_000,
  /** The former agent forgets a rejection after it has run for this time: the server may bring the version again. */
  rejectedMs: 86_400_000,
} as const;

/** Exit status of a program that could not be started. */
const notStarted = 127;

/** The start of the supervisor: a trial that its boot did not survive often enough ends here. */
export function beginSupervision(stored: StoredAgents, confirmed: string | undefined, nowMs: number): SupervisionTurn {
  const state: Supervision = { stored, process: { kind: "none", startAtMs: nowMs }, shortRuns: 0 };
  const { trial } = stored;
  if (trial === undefined) return { state, save: false, action: tidy(stored) };
  // The power went between the confirmation and its record.
  if (trial.version === confirmed) return accept(state);
  if (trial.attempts < supervisionLimits.attempts) return quiet(state);
  return reject(state, `its machine or supervisor restarted ${trial.attempts} times before it was confirmed`, nowMs);
}

/** One step of the supervisor. */
export function superviseAgents(state: Supervision, event: SupervisionEvent, nowMs: number): SupervisionTurn {
  switch (event.kind) {
    case "tick":
      return tick(state, event, nowMs);
    case "ended":
      return ended(state, event, nowMs);
    case "unusable":
      return failed(state, event.reason, nowMs);
  }
}

function tick(
  state: Supervision,
  { confirmed, aliveMs }: Extract<SupervisionEvent, { kind: "tick" }>,
  nowMs: number,
): SupervisionTurn {
  const { process, stored, trial } = state;
  if (process.kind === "killed") return quiet(state);
  if (isConfirmed(state, confirmed)) return accept(state);
  if (trial !== undefined && nowMs >= trial.deadlineMs) {
    const reason = `it was not confirmed within ${stored.trial?.deadlineSeconds} s`;
    return process.kind === "none" ? reject(state, reason, nowMs) : kill(state, reason);
  }
  // A sign of an agent before this one says nothing, and a version that gives none is left alone.
  if (process.kind === "running" && aliveMs !== undefined && aliveMs >= process.sinceMs)
    if (nowMs - aliveMs >= supervisionLimits.silentMs)
      return kill(state, `it gave no sign of life for ${supervisionLimits.silentMs / 1000} s`);
  return process.kind === "none" && nowMs >= process.startAtMs ? start(state, nowMs) : quiet(state);
}

function kill(state: Supervision, reason: string): SupervisionTurn {
  return { state: { ...state, process: { kind: "killed", reason } }, save: false, action: { kind: "kill", reason } };
}

function isConfirmed({ process, stored }: Supervision, confirmed: string | undefined): boolean {
  return process.kind === "running" && stored.trial !== undefined && stored.trial.version === confirmed;
}

/** Starts the trial, or the current agent. A trial counts its attempt first, so that no power cut hides it. */
function start(state: Supervision, nowMs: number): SupervisionTurn {
  const { stored } = state;
  if (stored.trial === undefined) return run(state, stored.current, nowMs);
  if (state.trial !== undefined) return run(state, stored.trial.version, nowMs);
  const { version, deadlineSeconds, attempts } = stored.trial;
  const begun: Supervision = {
    ...state,
    stored: { ...stored, trial: { version, deadlineSeconds, attempts: attempts + 1 } },
    trial: { deadlineMs: nowMs + deadlineSeconds * 1000, ends: 0 },
  };
  return { ...run(begun, version, nowMs), save: true };
}

function run(state: Supervision, version: string | undefined, sinceMs: number): SupervisionTurn {
  const which = version === undefined ? {} : { version };
  return {
    state: { ...state, process: { kind: "running", ...which, sinceMs } },
    save: false,
    action: { kind: "start", ...which },
  };
}

function ended(
  state: Supervision,
  { status, stored, confirmed }: Extract<SupervisionEvent, { kind: "ended" }>,
  nowMs: number,
): SupervisionTurn {
  const { process, trial } = state;
  if (process.kind === "killed" && trial !== undefined) return reject(state, process.reason, nowMs);
  if (isConfirmed(state, confirmed)) {
    const accepted = accept(state);
    return { ...accepted, state: startLater(accepted.state, nowMs) };
  }
  if (trial === undefined) return endedInService({ ...state, stored }, status, nowMs);
  if (status === notStarted) return reject(state, "it cannot be started", nowMs);
  const ends = trial.ends + 1;
  if (ends >= supervisionLimits.trialEnds)
    return reject(state, `it ended ${ends} times before it was confirmed, at last with status ${status}`, nowMs);
  return quiet(startLater({ ...state, trial: { ...trial, ends } }, nowMs));
}

/** An agent that puts a new version in place ends, and the trial begins at once; any other end is a failure. */
function endedInService(state: Supervision, status: number, nowMs: number): SupervisionTurn {
  const { process, stored } = state;
  if (stored.trial !== undefined) return quiet({ ...state, process: { kind: "none", startAtMs: nowMs }, shortRuns: 0 });
  const isShort = process.kind === "running" && nowMs - process.sinceMs < supervisionLimits.shortMs;
  const shortRuns = isShort ? state.shortRuns + 1 : 0;
  if (shortRuns >= supervisionLimits.shortRuns && stored.current !== undefined)
    return fallBack(state, `it ended ${shortRuns} times soon after its start, at last with status ${status}`, nowMs);
  return quiet(startLater({ ...state, shortRuns }, nowMs));
}

/** The files of the agent to start are damaged or missing. */
function failed(state: Supervision, reason: string, nowMs: number): SupervisionTurn {
  if (state.stored.trial !== undefined) return reject(state, reason, nowMs);
  if (state.stored.current !== undefined) return fallBack(state, reason, nowMs);
  return quiet(startLater(state, nowMs));
}

function accept(state: Supervision): SupervisionTurn {
  const { trial, current } = state.stored;
  const stored: StoredAgents = {
    ...(trial === undefined ? {} : { current: trial.version }),
    ...(current === undefined ? {} : { previous: current }),
  };
  const { trial: _over, ...kept } = state;
  return { state: { ...kept, stored, shortRuns: 0 }, save: true, action: tidy(stored) };
}

/** The trial is over, and the agent before it runs again. */
function reject(state: Supervision, reason: string, nowMs: number): SupervisionTurn {
  const { trial, ...former } = state.stored;
  const stored = trial === undefined ? former : { ...former, rejected: { version: trial.version, reason } };
  return withdrawn(stored, nowMs);
}

/** The current agent does not work any more: the one before it takes over, in the end the installed one. */
function fallBack({ stored: { current, previous } }: Supervision, reason: string, nowMs: number): SupervisionTurn {
  const former = previous === undefined ? {} : { current: previous };
  return withdrawn(current === undefined ? former : { ...former, rejected: { version: current, reason } }, nowMs);
}

function withdrawn(stored: StoredAgents, nowMs: number): SupervisionTurn {
  const state: Supervision = { stored, process: { kind: "none", startAtMs: nowMs }, shortRuns: 0 };
  return { state, save: true, action: tidy(stored) };
}

function startLater(state: Supervision, nowMs: number): Supervision {
  return { ...state, process: { kind: "none", startAtMs: nowMs + supervisionLimits.restartMs } };
}

function tidy({ current, previous, trial }: StoredAgents): SupervisionAction {
  const keep = [current, previous, trial?.version].filter((version) => version !== undefined);
  return { kind: "tidy", keep };
}

function quiet(state: Supervision): SupervisionTurn {
  return { state, save: false, action: { kind: "none" } };
}
