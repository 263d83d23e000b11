import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { credentialFor } from "../../contract/credential.ts";
import { paths } from "../../contract/machine/paths.ts";
import { agentProtocol } from "../../core/image/filter.ts";
import { summaryFor } from "../../core/image/testing/decide.ts";
import { subPolicyFor } from "../../core/image/update/directive.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import type { FetchTurn } from "../../core/uplink/fetch-turn.ts";
import { openWaitingNotes } from "../../core/uplink/waiting-notes.ts";
import { readPoll } from "../thread/read-poll.ts";
import { subApp } from "./app.ts";
import { openFetchTurns } from "./fetch-turns.ts";
import type { SubAppInput } from "./sub-app-input.ts";

const manifest = { name: "compute/1", createdAtMs: 0, source: "", filter: [], tree: { inodes: [], entries: [] } };
const [seed, newborn, caller] = [1, 2, 3].map((number) => `m-52540000000${number}` as MachineId) as [
  MachineId,
  MachineId,
  MachineId,
];
const credentialOf = (id: MachineId) => credentialFor(id, "0a".repeat(32));

/** A rack: one machine runs its image and serves it, and one is being born. Nothing that is applied changes a record. */
function rack(more: Partial<Pick<SubAppInput, "reboots" | "agentUpgrades" | "policy">> = {}) {
  const records = new Map<MachineId, Machine>(
    [seed, newborn, caller].map((id) => {
      const subTokenHash = createHash("sha256").update(credentialOf(id)).digest("hex");
      const running = id === seed ? { runningImage: "compute/1", phase: "up" as const } : {};
      return [
        id,
        testMachine("healthy", { id, requiredImage: "compute/1", forcedImage: "compute/1", subTokenHash, ...running }),
      ];
    }),
  );
  const recordOf = (id: MachineId) => records.get(id) ?? assert.fail();
  const store = {
    get: (id: MachineId) => records.get(id),
    list: () => [...records.values()],
    unreadableWith: () => undefined,
    watch: () => () => undefined,
    addLog: () => undefined,
    noteProgress: () => undefined,
    apply: async () => ({ kind: "changed" as const, machine: recordOf(seed) }),
  };
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs };
  const log = () => undefined;
  const peers = { keys: () => ["0b".repeat(32)], isConfidential: () => false };
  const notes = openWaitingNotes({ store, clock, log });
  const fetchTurns = openFetchTurns({ store, notes, bootImagesWait: () => false, peers, clock, log });
  const images: SubAppInput["images"] = {
    refresh: async () => {},
    get: (name) => (name === manifest.name ? summaryFor(manifest) : undefined),
    pathOf: () => "compute/1.json",
  };
  const tasks: SubAppInput["tasks"] = {
    readPoll: async (body, wanted) => readPoll(body, wanted, { load: () => manifest }),
  };
  const app = subApp({ store, images, tasks, caPem: "", clock, log, fetchTurns, ...more });

  async function post(to: { request: typeof app.request }, path: string, id: MachineId, body: object) {
    const headers = { authorization: `Bearer ${credentialOf(id)}` };
    const sent = JSON.stringify({ protocol: agentProtocol, machineId: id, ...body });
    const answer = await to.request(path, { method: "POST", headers, body: sent });
    assert.equal(answer.status, 200);
    return (await answer.json()) as { kind: string; seed?: object };
  }
  const facts = { kernel: "6", rebootPending: false, secondsSinceCheck: 0, freeBytes: 1e9 };
  const poll = (id: MachineId, report: object) => post(app, paths.subPoll, id, { ...facts, ...report });
  const turn = (id: MachineId, doneBytes: number) =>
    post(fetchTurns.app, paths.fetchTurn, id, { totalBytes: 1e9, doneBytes, peerPort: 7000 }) as Promise<FetchTurn>;
  return {
    poll,
    turn,
    pass: (seconds: number) => {
      nowMs += seconds * 1000;
    },
    hold: (id: MachineId) =>
      records.set(id, { ...recordOf(id), conditions: [{ kind: "hold", reason: "look at it", sinceMs: 0 }] }),
    wantReboot: (id: MachineId) =>
      records.set(id, { ...recordOf(id), reboot: { by: "olga", atMs: 0, atOnce: 1, perRack: 1 } } as Machine),
    /** From whom the third machine would fetch. */
    sources: async () => {
      const found = await turn(caller, 0);
      return found.kind === "go" ? (found.sources ?? []).map(({ machineId }) => machineId) : assert.fail();
    },
  };
}

const runsImage = {
  ...{ running: "image", patchedImage: "compute/1", bootId: "0123abcd-0000", seeding: { port: 7001 } },
  agent: { version: "0c".repeat(16) },
};

describe("nobody is sent to a machine that stops serving, from the answer on", () => {
  test("a seed whose new kernel needs a restart", async () => {
    const { poll, sources } = rack();
    assert.ok((await poll(seed, runsImage)).seed);
    assert.deepEqual(await sources(), [seed]);
    assert.equal((await poll(seed, { ...runsImage, rebootPending: true })).kind, "reboot");
    assert.deepEqual(await sources(), []);
  });

  test("a newborn that has its image: it serves while it polls and places it, until it is told to restart", async () => {
    const { poll, turn, sources } = rack();
    await turn(newborn, 0);
    await turn(newborn, 1e9);
    assert.equal((await poll(newborn, { running: "birth" })).kind, "report");
    assert.deepEqual(await sources(), [newborn]);
    assert.equal((await poll(newborn, { running: "birth", patchedImage: "compute/1" })).kind, "reboot");
    assert.deepEqual(await sources(), []);
  });

  test("a seed that an operator restarts", async () => {
    const reboots = { mayReboot: () => true };
    const { poll, wantReboot, sources } = rack({ reboots });
    await poll(seed, runsImage);
    assert.deepEqual(await sources(), [seed]);
    wantReboot(seed);
    assert.equal((await poll(seed, runsImage)).kind, "reboot");
    assert.deepEqual(await sources(), []);
  });

  test("a seed that gets another agent", async () => {
    let isDue = false;
    const offer = { kind: "upgradeAgent", version: "0d".repeat(16), files: [], deadlineSeconds: 60 } as const;
    const agentUpgrades = {
      noteSeen: async () => undefined,
      upgradeFor: async () => (isDue ? offer : undefined),
      [Symbol.dispose]: () => undefined,
    };
    const { poll, sources } = rack({ agentUpgrades });
    await poll(seed, runsImage);
    assert.deepEqual(await sources(), [seed]);
    isDue = true;
    assert.equal((await poll(seed, runsImage)).kind, "upgradeAgent");
    assert.deepEqual(await sources(), []);
  });

  test("a seed that is held", async () => {
    const { poll, hold, sources } = rack();
    await poll(seed, runsImage);
    hold(seed);
    assert.equal((await poll(seed, runsImage)).kind, "wait");
    assert.deepEqual(await sources(), []);
  });

  test("a machine with a workload that has fetched its next image and changes its files", async () => {
    const { poll, turn, sources } = rack();
    await turn(seed, 0);
    await turn(seed, 1e9);
    assert.deepEqual(await sources(), [seed]);
    const former = { ...runsImage, patchedImage: "compute/0" };
    const report = await poll(seed, former);
    assert.equal(report.kind, "compare");
    assert.deepEqual(await sources(), [seed], "a comparison changes nothing");
    const { sha512 } = summaryFor(manifest).manifest;
    const assessment = {
      ...{ entries: 2, lacks: [], steps: 1, removed: 1, missing: { objects: 0, bytes: 0, diskBytes: 0 } },
      ...{ kernelChanged: false, blocked: [] },
    };
    const plan = { steps: [{ kind: "removeFile", path: "/stray" }], missing: [] };
    const comparison = { manifest: sha512, assessment, plan };
    assert.equal((await poll(seed, { ...former, comparison })).kind, "update");
    assert.deepEqual(await sources(), []);
  });
});

test("a machine that compares its tree for minutes serves its image meanwhile", async () => {
  const { poll, pass, sources } = rack();
  // It is asked to serve, and says its port with the next poll.
  assert.ok((await poll(seed, { ...runsImage, seeding: {} })).seed);
  const busy = { ...runsImage, secondsSinceCheck: 7200 };
  for (const seconds of [55, 70, 20]) {
    pass(seconds);
    assert.equal((await poll(seed, busy)).kind, "compare");
    assert.deepEqual(await sources(), [seed]);
  }
  // Its server has ended.
  pass(50);
  await poll(seed, { ...busy, seeding: {} });
  pass(20);
  assert.deepEqual(await sources(), []);
});

test("a machine that compares its tree with another image than it runs is no source of that", async () => {
  const { poll, sources } = rack();
  assert.equal((await poll(seed, { ...runsImage, patchedImage: "compute/0" })).kind, "compare");
  assert.deepEqual(await sources(), []);
});

test("in a fleet that polls seldom, a machine that serves still polls often enough to count as there", async () => {
  const { poll, pass, sources } = rack({ policy: () => subPolicyFor(40_000, 900) });
  const { seeding: _no, ...idle } = runsImage;
  const { kind, seconds } = (await poll(seed, idle)) as { kind: string; seconds?: number };
  assert.deepEqual({ kind, seconds }, { kind: "wait", seconds: 100 });
  const serving = (await poll(seed, runsImage)) as { seed?: object; seconds?: number };
  assert.ok(serving.seed);
  assert.equal(serving.seconds, 30);
  pass(serving.seconds);
  assert.deepEqual(await sources(), [seed]);
});
