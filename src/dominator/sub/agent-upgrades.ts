import { rolloutLimits } from "../../core/agent/rollout.ts";
import { isWithin } from "../../core/clock-jump.ts";
import { upgradingProtocol } from "../../core/image/filter.ts";
import type { UpgradeAgent } from "../../core/image/update/directive.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { SmallPoll } from "../thread/read-poll.ts";
import type { AgentBundle } from "./agent-bundle.ts";
import { openAgentTrials, type TrialStore } from "./agent-trials.ts";

/** Brings the server's own agent to the machines, a few at a time (core/agent/rollout.ts). */
export type AgentUpgrades = Disposable & {
  /** Takes what a poll tells about the machine's agent; `machine` is the record before the poll. */
  readonly noteSeen: (machine: Machine, poll: SmallPoll) => Promise<void>;
  /** The directive for a machine with nothing else to do; undefined if it is not to be upgraded now. */
  readonly upgradeFor: (id: MachineId, poll: SmallPoll) => Promise<UpgradeAgent | undefined>;
};

/** Begins with what the records tell of the fleet's agents. */
export function openAgentUpgrades(parts: {
  readonly bundle: AgentBundle;
  readonly store: TrialStore & Pick<Store, "addLog" | "dropDocument">;
  readonly clock: Clock;
  readonly log: Log;
}): AgentUpgrades {
  const { bundle, store, clock, log } = parts;
  const { version, files } = bundle;
  const { deadlineSeconds, retryMs, silentMs, forgottenMs } = rolloutLimits;
  const trials = openAgentTrials(store, clock, version);
  /** Machines of this server that could not put the version in place, and when they may try again, by the monotonic clock. */
  const postponed = new Map<MachineId, number>();
  for (const { kind, key, document } of store.documents("agentRollout")) {
    const isOld = document.trials.every(({ sinceMs }) => !isWithin(forgottenMs, sinceMs, clock.nowMs()));
    if (key === version || !isOld) continue;
    store
      .dropDocument({ kind, key })
      .catch((cause: unknown) =>
        log("warn", "forgetting the rollout of a former agent failed", { version: key, cause }),
      );
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
    noteSeen: async (machine, poll) => {
      report(machine, poll);
      const { agent, outcome } = poll;
      const { id } = machine;
      trials.note(id, agent);
      const hasFailed = outcome?.kind === "failed" && outcome.directive === "upgradeAgent";
      if (hasFailed) postponed.set(id, clock.monotonicMs() + retryMs);
      const offeredAtMs = trials.offeredAtMs(id);
      // It polls, so it is not silent; it may get the offer again.
      const isOver = offeredAtMs !== undefined && !isWithin(silentMs, offeredAtMs, clock.nowMs());
      if (offeredAtMs !== undefined && (hasFailed || isOver)) await trials.end(id);
    },
    upgradeFor: async (id, poll) => {
      if (!canUpgrade(poll) || poll.agent?.version === version || poll.agent?.rejected?.version === version)
        return undefined;
      if (clock.monotonicMs() < (postponed.get(id) ?? 0)) return undefined;
      postponed.delete(id);
      return (await trials.offer(id)) ? { kind: "upgradeAgent", version, files, deadlineSeconds } : undefined;
    },
    [Symbol.dispose]: trials[Symbol.dispose],
  };
}

/** Whether the agent understands the directive, runs from the disk, and is not about to restart its machine. */
function canUpgrade({ protocol, running, rebootPending, agent }: SmallPoll): boolean {
  return protocol >= upgradingProtocol && agent !== undefined && running === "image" && !rebootPending;
}
