import { type AgentTrial, mayTry } from "../../core/agent/rollout.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { type FleetAgents, fleetAgents } from "./fleet-agents.ts";

/**
 * The offers of a version of the agent whose outcome is not known. They are noted in the MDB before they are made, so that all
 * servers on a database together offer no more than one would, and one that restarts knows what it offered.
 */
export type AgentTrials = Disposable & {
  /** Takes what a machine says of itself, before its record has it. */
  readonly note: FleetAgents["note"];
  /** When a machine had the offer, in milliseconds since 1970; undefined if nothing is noted. */
  readonly offeredAtMs: (id: MachineId) => number | undefined;
  /** Whether a machine is to get the offer: again if it had it, because the answer may have been lost. */
  readonly offer: (id: MachineId) => Promise<boolean>;
  readonly end: (id: MachineId) => Promise<void>;
};

/** What trials are noted in and judged by. */
export type TrialStore = Pick<Store, "list" | "get" | "watch" | "documents" | "replaceDocument">;

/** How often an offer is decided again because another server or another poll was faster; then the next poll decides. */
const attempts = 8;

/** Opens the trials of a version, with what the records tell of the fleet's agents. */
export function openAgentTrials(store: TrialStore, clock: Pick<Clock, "nowMs">, version: string): AgentTrials {
  const agents = fleetAgents(store, version);
  const notedNow = () => store.documents("agentRollout").find(({ key }) => key === version)?.document;
  const offeredAtMs = (id: MachineId) => notedNow()?.trials.find(({ machine }) => machine === id)?.sinceMs;
  /** A machine that was retired, or is born again, has no outcome to wait for. */
  const isOpen = ({ machine }: AgentTrial) =>
    !agents.confirmed.has(machine) && !agents.rejected.has(machine) && store.get(machine)?.state === "healthy";
  const mayTryBeside = (trials: readonly AgentTrial[], id: MachineId) =>
    mayTry({ confirmed: agents.confirmed.size, rejected: agents.rejected.size, trials }, id, clock.nowMs());

  /** Writes another list of trials; false if `change` wants none, or if others were faster again and again. */
  async function change(make: (trials: readonly AgentTrial[]) => readonly AgentTrial[] | undefined): Promise<boolean> {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const noted = notedNow();
      const trials = make((noted?.trials ?? []).filter(isOpen));
      if (trials === undefined) return false;
      const draft = { kind: "agentRollout", key: version, document: { trials } } as const;
      if ((await store.replaceDocument({ ...draft, onlyIf: (now) => now === noted })) === "written") return true;
    }
    return false;
  }

  return {
    note: agents.note,
    offeredAtMs,
    offer: async (id) => {
      if (offeredAtMs(id) !== undefined) return mayTryBeside((notedNow()?.trials ?? []).filter(isOpen), id);
      return await change((trials) =>
        mayTryBeside(trials, id) ? [...trials, { machine: id, sinceMs: clock.nowMs() }] : undefined,
      );
    },
    end: async (id) => {
      await change((trials) => trials.filter(({ machine }) => machine !== id));
    },
    [Symbol.dispose]: agents[Symbol.dispose],
  };
}
