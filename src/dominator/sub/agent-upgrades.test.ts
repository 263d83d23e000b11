import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rolloutLimits } from "../../core/agent/rollout.ts";
import { agentProtocol, upgradingProtocol } from "../../core/image/filter.ts";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import { macOf } from "../../core/net/testing/addresses.ts";
import type { DocumentKind, StoredDocuments } from "../../core/store/stored-documents.ts";
import type { SmallPoll } from "../thread/read-poll.ts";
import type { AgentBundle } from "./agent-bundle.ts";
import { openAgentUpgrades } from "./agent-upgrades.ts";

const former = "1".repeat(32);
const version = "2".repeat(32);
const sha512 = "ab".repeat(64);
const bundle: AgentBundle = { version, files: [{ name: "agent.js", mode: 0o644, sha512, size: 9 }] };
const machine = testMachine("healthy", { id: "m-525400000001" as MachineId, agent: { version: former } });
const other = testMachine("healthy", { id: "m-525400000002" as MachineId });
const fleet = Array.from({ length: 40 }, (_, n) =>
  testMachine("healthy", { id: machineIdFromMac(macOf(`5254000001${String(n + 10)}`)), agent: { version: former } }),
);
const poll: SmallPoll = {
  ...{ protocol: agentProtocol, machineId: machine.id, running: "image", kernel: "6", rebootPending: false },
  ...{ secondsSinceCheck: 0, freeBytes: 1e9, agent: { version: former } },
};
const outcome = { kind: "failed", directive: "upgradeAgent", reason: "disk full" } as const;

type Upgrading = Parameters<typeof openAgentUpgrades>[0]["store"];
type Trials = StoredDocuments["agentRollout"];

/** A database with these machines, for any number of servers. */
function database(machines: readonly Machine[]) {
  const listeners = new Set<Parameters<Upgrading["watch"]>[0]>();
  const held = new Map<string, Trials>();
  const records = new Map(machines.map((one) => [one.id, one]));
  const lines: string[] = [];
  const store: Upgrading = {
    list: () => [...records.values()],
    get: (id) => records.get(id),
    watch: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    addLog: (_id, more) => void lines.push(...more),
    documents: <K extends DocumentKind>(kind: K) =>
      [...held].map(([key, document]) => ({ kind, key, document: document as StoredDocuments[K], position: 1 })),
    replaceDocument: async ({ key, document, onlyIf }) => {
      // Another poll may come first.
      await Promise.resolve();
      if (!onlyIf(held.get(key))) return "overtaken";
      held.set(key, document as Trials);
      return "written";
    },
    dropDocument: async ({ key }) => void held.delete(key),
  };
  /** What another server has written to a record. */
  const change = (machine: Machine) => {
    records.set(machine.id, machine);
    const event = { kind: "subSeen", id: machine.id } as const;
    for (const listener of listeners) listener({ machine, event, atMs: 0, position: 1 });
  };
  return { store, lines, held, change, trials: () => held.get(version)?.trials.map(({ machine: id }) => id) ?? [] };
}

/** The upgrades of a new server, with what they log and its clock. */
function opened(on = database([machine, other]), clock = { nowMs: 1e12 }) {
  const logged: string[] = [];
  const upgrades = openAgentUpgrades({
    ...{ bundle, store: on.store, clock: { nowMs: () => clock.nowMs, monotonicMs: () => clock.nowMs } },
    log: (level, message) => void logged.push(`${level} ${message}`),
  });
  /** Takes a poll as the server does; returns whether the machine is upgraded. */
  async function isUpgraded(poll: SmallPoll, of: Machine = machine): Promise<boolean> {
    await upgrades.noteSeen(of, poll);
    return (await upgrades.upgradeFor(of.id, poll)) !== undefined;
  }
  return { ...on, upgrades, isUpgraded, clock, logged };
}

describe("upgrades of agents", () => {
  const rows: readonly (readonly [title: string, poll: SmallPoll, isUpgraded: boolean])[] = [
    ["that runs from the disk", poll, true],
    ["that cannot replace itself", { ...poll, protocol: upgradingProtocol - 1 }, false],
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
    test(`an agent ${title}: ${upgraded ? "is" : "is not"} upgraded`, async () => {
      assert.equal(await opened().isUpgraded(poll), upgraded);
    });

  test("the directive names the version, its files and the deadline", async () => {
    const { upgrades } = opened();
    assert.deepEqual(await upgrades.upgradeFor(machine.id, poll), {
      ...{ kind: "upgradeAgent", version, files: bundle.files, deadlineSeconds: rolloutLimits.deadlineSeconds },
    });
  });

  test("one machine at a time, until it has confirmed", async () => {
    const { isUpgraded } = opened();
    assert.ok(await isUpgraded(poll));
    assert.ok(await isUpgraded(poll), "the answer may have been lost");
    assert.ok(!(await isUpgraded(poll, other)));
    assert.ok(!(await isUpgraded({ ...poll, agent: { version } })));
    assert.ok(await isUpgraded(poll, other));
  });

  test("two servers on one database offer together what one would; both hear of each other's confirmations", async () => {
    const on = database(fleet);
    const clock = { nowMs: 1e12 };
    const servers = [opened(on, clock), opened(on, clock)] as const;
    let current = fleet;
    const waves: number[] = [];
    for (let wave = 0; wave < 5; wave += 1) {
      const asked = current.map((one, n) =>
        servers[n % 2 === 0 ? 0 : 1].isUpgraded({ ...poll, agent: one.agent ?? { version: former } }, one),
      );
      const offered = await Promise.all(asked);
      waves.push(offered.filter(Boolean).length);
      current = current.map((one, n) => (offered[n] ? { ...one, agent: { version } } : one));
      for (const [n, one] of current.entries()) if (offered[n]) on.change(one);
    }
    assert.deepEqual(waves, [1, 1, 2, 4, 8]);
    const first = current[0] ?? assert.fail();
    on.change({ ...first, agent: { version: former, rejected: { version, reason: "it hangs" } } });
    const [last] = current.slice(-1);
    assert.ok(!(await servers[1].isUpgraded(poll, last)), "a rejection that the other server saw stops both");
  });

  test("a server that restarts knows how far the rollout was; who is retired or born again is not waited for", async () => {
    const first = opened();
    assert.ok(await first.isUpgraded(poll));
    const again = opened(first);
    assert.ok(!(await again.isUpgraded(poll, other)));
    first.change(testMachine("rebirth", { id: machine.id }));
    assert.ok(await again.isUpgraded(poll, other));
  });

  test("the trials of former versions are forgotten after a week, those of a server beside this one are not", () => {
    const on = database([machine]);
    const nowMs = 1e12;
    on.held.set("old", { trials: [{ machine: machine.id, sinceMs: nowMs - rolloutLimits.forgottenMs - 1 }] });
    on.held.set("beside", { trials: [{ machine: machine.id, sinceMs: nowMs - 1 }] });
    opened(on, { nowMs });
    assert.deepEqual([...on.held.keys()], ["beside"]);
  });

  test("a machine that polls without an outcome is not silent", async () => {
    const on = database([machine, other]);
    const { isUpgraded, clock, trials } = opened(on);
    assert.ok(await isUpgraded(poll));
    clock.nowMs += rolloutLimits.silentMs;
    const busy = { ...poll, rebootPending: true };
    assert.ok(!(await isUpgraded(busy)));
    assert.deepEqual(trials(), []);
  });

  test("a rejection is logged once, on the machine too, and stops the rollout", async () => {
    const { isUpgraded, logged, lines } = opened();
    const rejecting = { ...poll, agent: { version: former, rejected: { version, reason: "it hangs" } } };
    await isUpgraded(rejecting);
    await isUpgraded(rejecting, { ...machine, agent: rejecting.agent });
    assert.deepEqual(logged, ["warn a machine rejected a version of the agent and keeps its former one"]);
    assert.deepEqual(lines, [`agent ${version} was tried and rejected: it hangs`]);
    assert.ok(!(await isUpgraded(poll, other)));
  });

  test("a machine that could not place it is asked again after some time, and another one tries meanwhile", async () => {
    const { isUpgraded, clock, logged, trials } = opened();
    assert.ok(await isUpgraded(poll));
    assert.ok(!(await isUpgraded({ ...poll, outcome })));
    assert.match(logged.join(), /warn a machine could not fetch or place the new agent/);
    assert.deepEqual(trials(), []);
    assert.ok(await isUpgraded(poll, other));
    assert.ok(!(await isUpgraded({ ...poll, agent: { version } }, other)));
    clock.nowMs += rolloutLimits.retryMs;
    assert.ok(await isUpgraded(poll));
  });
});
