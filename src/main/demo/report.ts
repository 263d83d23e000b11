import { type Phase, phases } from "../../core/machine/phase.ts";
import type { Machine } from "../../core/machine/record.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { BirthOutcome } from "./outcome.ts";

/** One machine in the last line of `demo --json`. */
export type MachineReport = {
  readonly mac: string;
  readonly hostname: string | null;
  readonly address: string | null;
  readonly firmware: string;
  readonly state: string;
  readonly phase: string | null;
  readonly requiredImage: string | null;
  readonly consoleLog: string;
  /**
   * Milliseconds from the previous phase (for the first: from power-on) until this phase was seen; their sum is
   * `totalMs`.
   */
  readonly phases: { readonly [P in Phase]?: number };
  readonly totalMs: number;
  /** Why the machine is not up. */
  readonly failure?: string;
};

/** Reports whether a machine of the rack came up, and how. */
export function reportMachine(
  rack: {
    readonly mac: string;
    readonly firmware: string;
    readonly consoleLogPath: string;
    readonly poweredOnAtMs: number;
  },
  machine: Machine | undefined,
  outcome: BirthOutcome,
): MachineReport {
  const took = phaseMilliseconds(machine, rack.poweredOnAtMs);
  const address = machine?.permanentAddress ?? machine?.temporaryAddress;
  return {
    mac: rack.mac,
    hostname: machine?.hostname ?? null,
    address: address === undefined ? null : formatIpv4(address),
    firmware: rack.firmware,
    state: machine?.state ?? "unknown",
    phase: machine?.phase ?? null,
    requiredImage: machine?.requiredImage ?? null,
    consoleLog: rack.consoleLogPath,
    phases: took,
    totalMs: Object.values(took).reduce((sum, ms) => sum + ms, 0),
    ...(outcome.kind === "failed" ? { failure: outcome.reason } : {}),
  };
}

/** Duration of each phase; a repeated phase counts until its last occurrence. */
export function phaseMilliseconds(
  machine: Machine | undefined,
  poweredOnAtMs: number,
): { readonly [P in Phase]?: number } {
  const took: { [P in Phase]?: number } = {};
  let beforeMs = poweredOnAtMs;
  for (const phase of phases) {
    const seen = machine?.timeline.findLast((entry) => entry.phase === phase);
    if (seen === undefined) continue;
    took[phase] = Math.max(0, seen.atMs - beforeMs);
    beforeMs = Math.max(beforeMs, seen.atMs);
  }
  return took;
}
