import type { Ipv4 } from "../net/ipv4.ts";

/** Another DHCP server on a wire: its server identifier, and when it was first and last heard. */
export type ForeignServer = { readonly address: Ipv4; readonly sinceMs: number; readonly lastMs: number };

/** Whether a network is served, as far as other DHCP servers decide it. */
export type ForeignWatch =
  /** At the start: is anybody there? Nothing is answered yet. */
  | { readonly kind: "probing"; readonly untilMs: number }
  /** It is served; `foreign` was heard nevertheless, where that is allowed. */
  | { readonly kind: "serving"; readonly foreign?: ForeignServer }
  /** It is not served. `unanswered` probes in a row have heard nobody. */
  | {
      readonly kind: "stopped";
      readonly foreign: ForeignServer;
      readonly probedAtMs: number;
      readonly unanswered: number;
    };

export type ForeignStep = {
  readonly state: ForeignWatch;
  /** Whether to broadcast a DISCOVER of our own now. */
  readonly probe: boolean;
  readonly wakeAtMs?: number;
};

/** Servers answer a DISCOVER within this, but those that ping the address first; they are heard later (dnsmasq: 3 s). */
const probingMs = 2000;
const againMs = 1000;

/** A server that was found is looked for so often, and believed gone when it was silent so many times. */
const lookAgainMs = 30_000;
const goneAfter = 3;

/** The first step. Where other servers are `allowed` it is served at once, and they are only looked for to be named. */
export function startForeignWatch(allowed: boolean, nowMs: number): ForeignStep {
  if (allowed) return { state: { kind: "serving" }, probe: true };
  return { state: { kind: "probing", untilMs: nowMs + probingMs }, probe: true, wakeAtMs: nowMs + againMs };
}

/** What becomes of the watch when another server is heard, or when it is time. */
export function stepForeignWatch(
  state: ForeignWatch,
  event: { readonly kind: "heard"; readonly address: Ipv4 } | { readonly kind: "woken" },
  given: { readonly allowed: boolean; readonly nowMs: number },
): ForeignStep {
  const { allowed, nowMs } = given;
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
