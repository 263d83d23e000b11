import { beginRollout, mayTry, type RolloutEvent, rolloutLimits, rolloutStep } from "../../core/agent/rollout.ts";
import { upgradingProtocol } from "../../core/image/filter.ts";
import type { UpgradeAgent } from "../../core/image/update/directive.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { SmallPoll } from "../thread/read-poll.ts";
import type { AgentBundle } from "./agent-bundle.ts";

/** Brings the server's own agent to the machines, a few at a time (core/agent/rollout.ts). */
export type AgentUpgrades = {
  /** Takes what a poll says about the machine's agent; `machine` is the record before the poll. */
  readonly noteSeen: (machine: Machine, poll: SmallPoll) => void;
  /** The directive for a machine with nothing else to do; undefined if it is not to be upgraded now. */
  readonly upgradeFor: (id: MachineId, poll: SmallPoll) => UpgradeAgent | undefined;
};

/** Begins with what the records say about the fleet's agents. */
export function openAgentUpgrades(parts: {
  readonly bundle: AgentBundle;
  readonly store: Pick<Store, "list" | "addLog">;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Log;
}): AgentUpgrades {
  const { bundle, store, clock, log } = parts;
  const { version, files } = bundle;
  const { deadlineSeconds } = rolloutLimits;
  let rollout = beginRollout(version, store.list());

  function note(id: MachineId, event: RolloutEvent): void {
    rollout = rolloutStep(rollout, id, event, clock.nowMs());
  }
  function report(machine: Machine, { agent, outcome }: SmallPoll): void {
    const { id, hostname = id, agent: before } = machine;
    const rejected = agent?.rejected;
    if (rejected !== undefined && rejected.version !== before?.rejected?.version) {
      const { reason } = rejected;
      log("warn", "a machine rejected a version of the agent and keeps its former one", {
        ...{ machine: hostname, rejected: rejected.version, reason },
      });
      store.addLog(id, [`agent ${rejected.version} was tried and rejected: ${reason}`]);
    }
    if (agent !== undefined && before !== undefined && agent.version !== before.version)
      log("info", "the agent of a machine has another version", { machine: hostname, version: agent.version });
    if (outcome?.kind === "failed" && outcome.directive === "upgradeAgent")
      log("warn", "a machine could not fetch or place the new agent", { machine: hostname, reason: outcome.reason });
  }
  return {
    noteSeen: (machine, poll) => {
      report(machine, poll);
      const { agent, outcome } = poll;
      if (outcome?.kind === "failed" && outcome.directive === "upgradeAgent") note(machine.id, { kind: "failed" });
      note(machine.id, { kind: "seen", agent });
    },
    upgradeFor: (id, poll) => {
      if (!canUpgrade(poll) || poll.agent?.version === version || poll.agent?.rejected?.version === version)
        return undefined;
      if (!mayTry(rollout, id, clock.nowMs())) return undefined;
      note(id, { kind: "offered" });
      return { kind: "upgradeAgent", version, files, deadlineSeconds };
    },
  };
}

/** Whether the agent understands the directive, runs from the disk, and is not about to restart its machine. */
function canUpgrade({ protocol, running, rebootPending, agent }: SmallPoll): boolean {
  return protocol >= upgradingProtocol && agent !== undefined && running === "image" && !rebootPending;
}
