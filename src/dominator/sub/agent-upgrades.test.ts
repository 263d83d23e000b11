import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rolloutLimits } from "../../core/agent/rollout.ts";
import { agentProtocol } from "../../core/image/filter.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import type { SmallPoll } from "../thread/read-poll.ts";
import type { AgentBundle } from "./agent-bundle.ts";
import { openAgentUpgrades } from "./agent-upgrades.ts";

const former = "1".repeat(32);
const version = "2".repeat(32);
const sha512 = "ab".repeat(64);
const bundle: AgentBundle = { version, files: [{ name: "agent.js", mode: 0o644, sha512, size: 9 }] };
const machine = testMachine("healthy", { id: "m-525400000001" as MachineId, agent: { version: former } });
const other = testMachine("healthy", { id: "m-525400000002" as MachineId });
const poll: SmallPoll = {
  ...{ protocol: agentProtocol, machineId: machine.id, running: "image", kernel: "6", rebootPending: false },
  ...{ secondsSinceCheck: 0, freeBytes: 1e9, agent: { version: former } },
};
const outcome = { kind: "failed", directive: "upgradeAgent", reason: "disk full" } as const;

/** The upgrades of a new server, with what they log and its clock. */
function opened(machines: readonly Machine[] = []) {
  const clock = { nowMs: 1e12 };
  const logged: string[] = [];
  const lines: string[] = [];
  const upgrades = openAgentUpgrades({
    bundle,
    store: { list: () => machines, addLog: (_id, more) => void lines.push(...more) },
    clock: { nowMs: () => clock.nowMs },
    log: (level, message) => void logged.push(`${level} ${message}`),
  });
  /** Takes a poll as the server does; returns whether the machine is upgraded. */
  function isUpgraded(poll: SmallPoll, of: Machine = machine): boolean {
    upgrades.noteSeen(of, poll);
    return upgrades.upgradeFor(of.id, poll) !== undefined;
  }
  return { upgrades, isUpgraded, clock, logged, lines };
}

describe("upgrades of agents", () => {
  const rows: readonly (readonly [title: string, poll: SmallPoll, isUpgraded: boolean])[] = [
    ["that runs from the disk", poll, true],
    ["that cannot replace itself", { ...poll, protocol: agentProtocol - 1 }, false],
    ["that is PID 1 after the birth", { ...poll, running: "birth" }, false],
    ["whose machine is about to restart", { ...poll, rebootPending: true }, false],
    ["that is the server's", { ...poll, agent: { version } }, false],
    [
      "whose machine rejected the server's",
      { ...poll, agent: { version: former, rejected: { version, reason: "x" } } },
      false,
    ],
    [
      "whose machine rejected another one",
      { ...poll, agent: { version: former, rejected: { version: former, reason: "x" } } },
      true,
    ],
    ["that could not place it just now", { ...poll, outcome }, false],
  ];
  for (const [title, poll, upgraded] of rows)
    test(`an agent ${title}: ${upgraded ? "is" : "is not"} upgraded`, () => {
      assert.equal(opened().isUpgraded(poll), upgraded);
    });

  test("the directive names the version, its files and the deadline", () => {
    const { upgrades } = opened();
    assert.deepEqual(upgrades.upgradeFor(machine.id, poll), {
      ...{ kind: "upgradeAgent", version, files: bundle.files, deadlineSeconds: rolloutLimits.deadlineSeconds },
    });
  });

  test("one machine at a time, until it has confirmed", () => {
    const { isUpgraded } = opened();
    assert.ok(isUpgraded(poll));
    assert.ok(!isUpgraded(poll, other));
    assert.ok(!isUpgraded({ ...poll, agent: { version } }));
    assert.ok(isUpgraded(poll, other));
  });

  test("a rejection is logged once, on the machine too, and stops the rollout", () => {
    const { isUpgraded, logged, lines } = opened();
    const rejecting = { ...poll, agent: { version: former, rejected: { version, reason: "it hangs" } } };
    isUpgraded(rejecting);
    isUpgraded(rejecting, { ...machine, agent: rejecting.agent });
    assert.deepEqual(logged, ["warn a machine rejected a version of the agent and keeps its former one"]);
    assert.deepEqual(lines, [`agent ${version} was tried and rejected: it hangs`]);
    assert.ok(!isUpgraded(poll, other));
  });

  test("a machine that could not place it is asked again after some time", () => {
    const { isUpgraded, clock, logged } = opened();
    isUpgraded({ ...poll, outcome });
    assert.match(logged.join(), /warn a machine could not fetch or place the new agent/);
    assert.ok(!isUpgraded(poll));
    clock.nowMs += rolloutLimits.retryMs;
    assert.ok(isUpgraded(poll));
  });
});
