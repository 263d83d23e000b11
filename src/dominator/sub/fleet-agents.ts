import { outcomeOf } from "../../core/agent/rollout.ts";
import type { AgentReport } from "../../core/agent/version.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Store } from "../../core/ports.ts";

/** Which machines run or rejected a version of the agent, by their records; follows the changes of all servers. */
export type FleetAgents = Disposable & {
  readonly confirmed: ReadonlySet<MachineId>;
  readonly rejected: ReadonlySet<MachineId>;
  /** Takes what a machine says of itself, before its record has it. */
  readonly note: (id: MachineId, agent: AgentReport | undefined) => void;
};

/** Begins with what the records say. */
export function fleetAgents(store: Pick<Store, "list" | "watch">, version: string): FleetAgents {
  // Changed in place: copies of sets with 100,000 machines would hold up packets at each confirmation.
  const confirmed = new Set<MachineId>();
  const rejected = new Set<MachineId>();
  const note = (id: MachineId, agent: AgentReport | undefined) => {
    const outcome = outcomeOf(agent, version);
    if (outcome === "confirmed") confirmed.add(id);
    else confirmed.delete(id);
    if (outcome === "rejected") rejected.add(id);
    else rejected.delete(id);
  };
  for (const { id, agent } of store.list()) note(id, agent);
  const unwatch = store.watch(({ machine, absorbed = [] }) => {
    for (const gone of absorbed) note(gone, undefined);
    note(machine.id, machine.agent);
  });
  return { confirmed, rejected, note, [Symbol.dispose]: unwatch };
}
