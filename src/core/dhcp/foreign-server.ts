import type { Ipv4 } from "../net/ipv4.ts";

/** Another DHCP server on a network: its server identifier, and when it was first and last detected, by the clock of the watch. */
export type ForeignServer = { readonly address: Ipv4; readonly sinceMs: number; readonly lastMs: number };

/** Whether a network is served, with regard to other DHCP servers. */
export type ForeignWatch =
  /** Initial probing for other servers; nothing is answered yet. */
  | { readonly kind: "probing"; readonly untilMs: number }
  /** The network is served; `foreign` is present, which is allowed. `hintAtMs`: when a hint last caused a probe. */
  | { readonly kind: "serving"; readonly foreign?: ForeignServer; readonly hintAtMs?: number }
  /** The network is not served. `unanswered` consecutive probes got no answer. */
  | {
      readonly kind: "stopped";
      readonly foreign: ForeignServer;
      readonly probedAtMs: number;
      readonly unanswered: number;
    };

export type ForeignStep = {
  readonly state: ForeignWatch;
  /** Whether to broadcast a DISCOVER as a probe now. */
  readonly probe: boolean;
  readonly wakeAtMs?: number;
};

/** Servers answer a DISCOVER within this time, except those that ping the address first; their answer is noticed later (dnsmasq: 3 s). */
const probingMs = 2000;
const againMs = 1000;

/** Minimum interval of probes that overheard messages cause. */
const hintMs = 5000;

/** The interval of probes for a detected server, and the number of unanswered probes after which it counts as gone. */
const lookAgainMs = 30_000;
const goneAfter = 3;

/** The first step; all times are by a clock that nobody sets. If other servers are `allowed`, the network is served at once, and probes only identify them. */
export function startForeignWatch(allowed: boolean, nowMs: number): ForeignStep {
  if (allowed) return { state: { kind: "serving" }, probe: true };
  return { state: { kind: "probing", untilMs: nowMs + probingMs }, probe: true, wakeAtMs: nowMs + againMs };
}

/** What the watch learns. */
export type ForeignEvent =
  /** Another server has answered one of our probes. */
  | { readonly kind: "heard"; readonly address: Ipv4 }
  /** A server's message that answers no probe of ours: anyone can send one, so it only causes a probe. */
  | { readonly kind: "hinted" }
  | { readonly kind: "woken" };

/** The next state after another server was detected, or after a timer. */
export function stepForeignWatch(
  state: ForeignWatch,
  event: ForeignEvent,
  given: { readonly allowed: boolean; readonly nowMs: number },
): ForeignStep {
  const { allowed, nowMs } = given;
  if (event.kind === "hinted") return afterHint(state, nowMs);
  if (event.kind === "heard") {
    const before = state.kind === "probing" ? undefined : state.foreign;
    const sinceMs = before?.address === event.address ? before.sinceMs : nowMs;
    const foreign = { address: event.address, sinceMs, lastMs: nowMs };
    if (allowed) return { state: { kind: "serving", foreign }, probe: false };
    const probedAtMs = state.kind === "stopped" ? state.probedAtMs : nowMs;
    return {
      state: { kind: "stopped", foreign, probedAtMs, unanswered: 0 },
      probe: false,
      wakeAtMs: probedAtMs + lookAgainMs,
    };
  }
  switch (state.kind) {
    case "probing":
      return nowMs < state.untilMs
        ? { state, probe: true, wakeAtMs: state.untilMs }
        : { state: { kind: "serving" }, probe: false };
    case "serving":
      return { state, probe: false };
    case "stopped": {
      if (nowMs < state.probedAtMs + lookAgainMs)
        return { state, probe: false, wakeAtMs: state.probedAtMs + lookAgainMs };
      const unanswered = state.foreign.lastMs >= state.probedAtMs ? 0 : state.unanswered + 1;
      if (unanswered >= goneAfter) return { state: { kind: "serving" }, probe: false };
      return { state: { ...state, probedAtMs: nowMs, unanswered }, probe: true, wakeAtMs: nowMs + lookAgainMs };
    }
  }
}

/** While the network is served, a hint leads to a probe; otherwise probes are due anyway. */
function afterHint(state: ForeignWatch, nowMs: number): ForeignStep {
  switch (state.kind) {
    case "probing":
      return { state, probe: false, wakeAtMs: state.untilMs };
    case "stopped":
      return { state, probe: false, wakeAtMs: state.probedAtMs + lookAgainMs };
    case "serving": {
      const isSoon = state.hintAtMs !== undefined && Math.abs(nowMs - state.hintAtMs) < hintMs;
      return isSoon ? { state, probe: false } : { state: { ...state, hintAtMs: nowMs }, probe: true };
    }
  }
}
