import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { credentialFor } from "../../contract/credential.ts";
import type { FetchTurnRequest } from "../../contract/fetch-turn.ts";
import { paths } from "../../contract/machine/paths.ts";
import { agentProtocol } from "../../core/image/filter.ts";
import type { MachineEvent } from "../../core/machine/event.ts";
import { conditionOf } from "../../core/machine/life/move.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import type { WorkProgress } from "../../core/machine/work-progress.ts";
import type { Change } from "../../core/ports.ts";
import { systemImageSlots } from "../../core/uplink/fetch-queue.ts";
import type { FetchTurn } from "../../core/uplink/fetch-turn.ts";
import { openWaitingNotes } from "../../core/uplink/waiting-notes.ts";
import { openFetchTurns, type PeerRules } from "./fetch-turns.ts";

const bytesPerSecond = 125_000_000;
const slots = systemImageSlots(bytesPerSecond);
const gigabyte = 1e9;

/** A server with this many machines, and the second in which everything happens. */
function site(machines: number, peers?: PeerRules) {
  const records = new Map<MachineId, Machine>();
  const credentials = new Map<MachineId, string>();
  const ids = Array.from({ length: machines }, (_, i) => `m-52540000${String(i).padStart(4, "0")}` as MachineId);
  for (const id of ids) {
    const credential = credentialFor(id, "0a".repeat(32));
    credentials.set(id, credential);
    const subTokenHash = createHash("sha256").update(credential).digest("hex");
    records.set(id, testMachine("healthy", { id, requiredImage: "compute/1", subTokenHash }));
  }
  const events: MachineEvent[] = [];
  const recordOf = (id: MachineId) => records.get(id) ?? assert.fail(`no machine ${id}`);
  const apply = async (event: MachineEvent) => {
    events.push(event);
    if (!("id" in event)) assert.fail(event.kind);
    const record = recordOf(event.id);
    const others = record.conditions.filter(({ kind }) => kind !== "waiting");
    if (event.kind === "conditionSet")
      records.set(event.id, {
        ...record,
        conditions: [...others, { kind: "waiting", reason: event.reason, sinceMs: 0 }],
      });
    if (event.kind === "conditionCleared") records.set(event.id, { ...record, conditions: others });
    return { kind: "changed" as const, machine: recordOf(event.id) };
  };
  const watchers: ((change: Change) => void)[] = [];
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs };
  const log = () => undefined;
  const noted: WorkProgress[] = [];
  const store = {
    get: (id: MachineId) => records.get(id),
    list: () => [...records.values()],
    unreadableWith: () => undefined,
    watch: (listener: (change: Change) => void) => {
      watchers.push(listener);
      return () => undefined;
    },
    apply,
    noteProgress: (_id: MachineId, progress: WorkProgress) => void noted.push(progress),
  };
  let notes = openWaitingNotes({ store, clock, log });
  const turns = openFetchTurns({
    store,
    bytesPerSecond,
    bootImagesWait: () => false,
    notes,
    ...(peers === undefined ? {} : { peers }),
    clock,
    log,
  });

  async function ask(index: number, progress: Partial<FetchTurnRequest> = {}) {
    const id = ids[index] ?? assert.fail(`no machine ${index}`);
    const answer = await turns.app.request(paths.fetchTurn, {
      method: "POST",
      headers: { authorization: `Bearer ${credentials.get(id)}` },
      body: JSON.stringify({ protocol: agentProtocol, machineId: id, totalBytes: gigabyte, doneBytes: 0, ...progress }),
    });
    assert.equal(answer.status, 200);
    return (await answer.json()) as FetchTurn;
  }
  return {
    ...{ ask, events, turns, ids, noted },
    recordOf: (index: number) => recordOf(ids[index] ?? assert.fail()),
    change: (index: number, change: (machine: Machine) => Machine) => {
      const id = ids[index] ?? assert.fail();
      records.set(id, change(recordOf(id)));
    },
    /** What any server of the database wrote. */
    becomes: (index: number, machine: Machine) => {
      const { id } = recordOf(ids[index] ?? assert.fail());
      const own = { ...machine, id } as Machine;
      records.set(id, own);
      const event = { kind: "pxeAskedAgain", id, requests: 1, responses: 1, lastAtMs: 0 } as const;
      for (const watcher of watchers) watcher({ machine: own, event, atMs: 0, position: 1 });
    },
    placeOf: (index: number) => conditionOf(recordOf(ids[index] ?? assert.fail()), "waiting")?.reason,
    pass: (seconds: number) => {
      nowMs += seconds * 1000;
    },
    restart: () => {
      notes = openWaitingNotes({ store, clock, log });
    },
    sweep: () => notes.sweep(),
  };
}

async function fill({ ask }: Pick<ReturnType<typeof site>, "ask">): Promise<void> {
  for (let i = 0; i < slots; i += 1) assert.equal((await ask(i)).kind, "go");
}

test("as many machines as fill the uplink fetch, the next one knows its place, and starts when one polls for more", async () => {
  const world = site(slots + 2);
  await fill(world);
  const first = await world.ask(slots);
  assert.deepEqual(first, {
    kind: "wait",
    seconds: 3,
    reason: "position 1 in the queue for system images, about 48 s left",
  });
  assert.match(world.placeOf(slots) ?? "", /^position 1 in the queue for system images/);
  assert.match(((await world.ask(slots + 1)) as { reason: string }).reason, /^position 2 /);
  world.turns.ended(world.ids[0] ?? assert.fail());
  assert.equal((await world.ask(slots)).kind, "go");
  assert.equal(world.placeOf(slots), undefined);
  // Its deadline begins now.
  assert.equal(world.events.filter(({ kind }) => kind === "phaseSeen").length, 1);
});

test("a small update does not wait, and a machine that has everything gives its place away", async () => {
  const world = site(slots + 1);
  await fill(world);
  assert.equal((await world.ask(slots, { totalBytes: 1 << 20 })).kind, "go");
  assert.equal((await world.ask(slots)).kind, "wait");
  assert.equal((await world.ask(3, { doneBytes: gigabyte })).kind, "go");
  assert.equal((await world.ask(slots)).kind, "go");
});

test("of small updates 256 begin at once; further ones wait, know their place, and begin as others end or are lost", async () => {
  const small = { totalBytes: 4 << 20 };
  const world = site(slots + 259);
  await fill(world);
  for (let i = slots; i < slots + 256; i += 1) assert.equal((await world.ask(i, small)).kind, "go");
  const late = slots + 256;
  assert.match(((await world.ask(late, small)) as { reason: string }).reason, /^position 1 /);
  assert.match(((await world.ask(late + 1, small)) as { reason: string }).reason, /^position 2 /);
  assert.match(world.placeOf(late) ?? "", /^position 1 /);
  // One that is under way says how far it is; that takes nothing from others.
  assert.equal((await world.ask(slots, { ...small, doneBytes: 100 })).kind, "go");
  assert.equal((await world.ask(late, small)).kind, "wait");
  await world.ask(slots, { ...small, doneBytes: small.totalBytes });
  assert.equal((await world.ask(late, small)).kind, "go");
  assert.equal(world.placeOf(late), undefined);
  assert.match(((await world.ask(late + 1, small)) as { reason: string }).reason, /^position 1 /);
  // Those of which nothing is heard.
  world.pass(29);
  assert.equal((await world.ask(late + 1, small)).kind, "wait");
  world.pass(1);
  assert.equal((await world.ask(late + 1, small)).kind, "go");
  assert.equal((await world.ask(late + 2, small)).kind, "go");
});

test("how far a machine is that fetches is noted; not of one that waits, nor of one that serves others", async () => {
  const world = site(slots + 1);
  await fill(world);
  await world.ask(slots);
  assert.equal(world.noted.length, slots);
  await world.ask(0, { doneBytes: 1000 });
  assert.deepEqual(world.noted.at(-1), { what: "fetch", done: 1000, total: gigabyte });
  await world.ask(0, { doneBytes: gigabyte });
  assert.equal(world.noted.length, slots + 1);
});

test("a slow machine goes on although others took its slot", async () => {
  const world = site(slots + 1);
  await fill(world);
  world.pass(301);
  assert.equal((await world.ask(slots)).kind, "go");
  for (let i = 0; i < slots; i += 1) assert.equal((await world.ask(i, { doneBytes: 5e8 })).kind, "go");
  assert.ok(world.ids.every((_, i) => world.placeOf(i) === undefined));
});

test("a machine that is held or is to run another image polls instead, and its place is free", async () => {
  const world = site(slots + 2);
  await fill(world);
  world.change(0, (machine) => ({ ...machine, conditions: [{ kind: "hold", reason: "look at it", sinceMs: 0 }] }));
  world.change(1, (machine) => ({ ...machine, requiredImage: "compute/2" }));
  assert.deepEqual(await world.ask(0), { kind: "abandon", reason: "held: look at it" });
  assert.deepEqual(await world.ask(1), { kind: "abandon", reason: "it is to run compute/2 now" });
  assert.equal((await world.ask(slots)).kind, "go");
  assert.equal((await world.ask(slots + 1)).kind, "go");
});

test("who leaves the queue without a word, or waited before a restart of the server, is not shown as waiting for ever", async () => {
  const world = site(slots + 1);
  await fill(world);
  await world.ask(slots);
  world.pass(60);
  world.sweep();
  assert.notEqual(world.placeOf(slots), undefined);
  world.restart();
  world.pass(300);
  world.sweep();
  assert.notEqual(world.placeOf(slots), undefined, "it may be told to ask after as long");
  world.pass(61);
  world.sweep();
  assert.equal(world.placeOf(slots), undefined);
});

test("a machine that is far back asks again after minutes, and is shown as waiting until it is overdue", async () => {
  const world = site(slots + 90);
  await fill(world);
  for (let i = slots; i < slots + 89; i += 1) await world.ask(i, { totalBytes: 8 * gigabyte });
  const last = slots + 89;
  const turn = await world.ask(last);
  // Half of the time that the uplink needs for those before it, and at most five minutes.
  assert.ok(turn.kind === "wait" && turn.seconds === 300, JSON.stringify(turn));
  world.pass(359);
  world.sweep();
  assert.match(world.placeOf(last) ?? "", /^position 90 /);
  world.pass(2);
  world.sweep();
  assert.equal(world.placeOf(last), undefined);
  const passing = site(slots + 90, { keys: () => [key], isConfidential: () => false });
  await fill(passing);
  for (let i = slots; i < slots + 89; i += 1) await passing.ask(i, { totalBytes: 8 * gigabyte });
  passing.change(last, ({ ...machine }) => {
    delete machine.placement;
    return machine;
  });
  const other = await passing.ask(last, { peerPort });
  assert.ok(other.kind === "wait" && other.seconds === 3, "it may get the image from others at any time");
});

test("a place that changes with every machine is written once a minute", async () => {
  const world = site(slots + 2);
  await fill(world);
  await world.ask(slots);
  for (let second = 0; second < 60; second += 3) {
    await world.ask(slots + 1, { totalBytes: gigabyte + second });
    world.pass(3);
  }
  const written = world.events.filter((event) => event.kind === "conditionSet" && event.id === world.ids[slots + 1]);
  assert.equal(written.length, 1);
});

test("a stranger and a malformed request are refused", async () => {
  const world = site(1);
  const post = (headers: Record<string, string>, body: string) =>
    world.turns.app.request(paths.fetchTurn, { method: "POST", headers, body });
  assert.equal((await post({}, "{}")).status, 401);
  const [id = assert.fail()] = world.ids;
  const authorization = `Bearer ${credentialFor(id, "0a".repeat(32))}`;
  for (const body of [
    "{",
    "[]",
    '{"machineId":"m-525400000099","totalBytes":1,"doneBytes":0}',
    '{"machineId":"x","totalBytes":-1}',
  ])
    assert.equal((await post({ authorization }, body)).status, 400, body);
  assert.equal((await post({ authorization }, " ".repeat(5000))).status, 413);
});

test("machines that claim to fetch and get nothing lose their slots to those who wait", async () => {
  const world = site(slots + 1);
  await fill(world);
  for (let second = 0; second < 310; second += 20) {
    for (let i = 0; i < slots; i += 1) await world.ask(i);
    await world.ask(slots);
    world.pass(20);
  }
  assert.equal((await world.ask(slots)).kind, "go");
});

const key = "0b".repeat(32);
const peerPort = 7000;
const go = { kind: "go", reportSeconds: 3 } as const;

test("machines that serve each other fetch from each other, without a slot at the server", async () => {
  const world = site(slots + 2, { keys: () => [key], isConfidential: () => false });
  assert.deepEqual(await world.ask(0, { peerPort }), { kind: "go", reportSeconds: 3, peerKeys: [key] });
  for (let i = 1; i < slots + 2; i += 1) {
    const turn = await world.ask(i, { peerPort });
    assert.ok(turn.kind === "go" && turn.sources?.[0]?.machineId === world.ids[i - 1], `${i}: ${JSON.stringify(turn)}`);
  }
  // Nothing came from its source, the server has room.
  const [, failed = assert.fail()] = world.ids;
  const turn = await world.ask(2, { peerPort, failedPeers: [failed] });
  assert.ok(turn.kind === "go" && turn.sources?.every(({ machineId }) => machineId !== failed));
});

test("neither confidential images nor older agents use other machines", async () => {
  const world = site(2, { keys: () => [key], isConfidential: () => true });
  for (const i of [0, 1]) assert.deepEqual(await world.ask(i, { peerPort }), { kind: "go", reportSeconds: 20 });
  const plain = site(2, { keys: () => [key], isConfidential: () => false });
  await plain.ask(0, { peerPort });
  assert.deepEqual(await plain.ask(1), { kind: "go", reportSeconds: 20 });
});

test("a machine that has everything serves on, at the limit of its kind, until it says otherwise or is to run another image", async () => {
  const upload = { rackUplinkMbps: 100 };
  const world = site(slots, { keys: () => [key], isConfidential: () => false, upload });
  const serving = { kind: "go", reportSeconds: 3, peerKeys: [key] };
  const whole = { peerPort, doneBytes: gigabyte };
  const sourceOf = async (index: number) => {
    const turn = await world.ask(index, { peerPort });
    return turn.kind === "go" ? turn.sources?.map(({ machineId }) => world.ids.indexOf(machineId as MachineId)) : turn;
  };
  await world.ask(0, { peerPort });
  assert.deepEqual(await world.ask(0, whole), serving);
  world.turns.ended(world.ids[0] ?? assert.fail());
  assert.deepEqual(await sourceOf(1), [0]);
  // One that runs a workload gives a twentieth of its link.
  world.change(0, (machine) => Object.assign(structuredClone(machine), { runningImage: "compute/1" }));
  assert.deepEqual(await world.ask(0, { ...whole, linkMbps: 2000 }), { ...serving, uploadBytesPerSecond: 12_500_000 });
  await world.ask(0, { doneBytes: gigabyte });
  assert.deepEqual(await sourceOf(2), [1]);
  world.change(1, (machine) => ({ ...machine, requiredImage: "compute/2" }));
  await world.ask(1, whole);
  assert.equal(await sourceOf(3).then((sources) => sources?.toString()), "2");
});

test("a machine that runs the image is asked to serve it, at the limit of its link, and never a confidential one", async () => {
  const image = { name: "compute/1", manifest: { sha512: "ab".repeat(64), size: 1000 } };
  const seedOf = (world: ReturnType<typeof site>, index: number, seeding: { port?: number; linkMbps?: number }) => {
    return world.turns.seed(world.recordOf(index), { image, seeding });
  };
  const world = site(4, { keys: () => [key], isConfidential: () => false });
  const seed = { manifest: image.manifest, peerKeys: [key], uploadBytesPerSecond: 6_250_000 };
  assert.deepEqual(seedOf(world, 0, {}), seed);
  // Before it says where it serves, nobody is sent there.
  assert.deepEqual(await world.ask(1, { peerPort }), { kind: "go", reportSeconds: 3, peerKeys: [key] });
  assert.deepEqual(seedOf(world, 2, { port: 7001, linkMbps: 10_000 }), { ...seed, uploadBytesPerSecond: 62_500_000 });
  const other = site(4, { keys: () => [key], isConfidential: () => false });
  seedOf(other, 0, { port: 7001 });
  const turn = await other.ask(1, { peerPort });
  assert.ok(turn.kind === "go");
  assert.deepEqual(
    turn.sources?.map(({ machineId, bytesPerSecond: rate }) => [machineId, rate]),
    [[other.ids[0], 6_250_000]],
  );
  assert.equal(seedOf(site(1, { keys: () => [key], isConfidential: () => true }), 0, { port: 7001 }), undefined);
  assert.equal(seedOf(site(1), 0, { port: 7001 }), undefined);
});

test("machines of which nobody knows where they are send to nobody, unless they share a relayed network", async () => {
  const image = { name: "compute/1", manifest: { sha512: "ab".repeat(64), size: 1000 } };
  const rules = { keys: () => [key], isConfidential: () => false, isRelayed: (network: string) => network === "pod-1" };
  for (const [network, fetchesFrom] of [
    ["lab", undefined],
    ["pod-1", 0],
  ] as const) {
    const world = site(2, rules);
    for (const index of [0, 1])
      world.change(index, ({ ...machine }) => {
        delete machine.placement;
        return { ...machine, network };
      });
    await world.ask(0, { peerPort });
    const turn = await world.ask(1, { peerPort });
    assert.ok(turn.kind === "go");
    assert.equal(turn.sources?.[0]?.machineId, fetchesFrom === undefined ? undefined : world.ids[fetchesFrom]);
    const seed = world.turns.seed(world.recordOf(0), { image, seeding: { port: 7001 } });
    assert.equal(seed === undefined, fetchesFrom === undefined);
  }
});

test("a machine that restarts is no source any more and needs no slot, whichever server ordered it or a power cut did it", async () => {
  const restarts = [
    ["an order to restart", (machine: Machine): Machine => ({ ...machine, phase: "rebooting" })],
    ["its firmware asks", (machine: Machine): Machine => ({ ...machine, phase: "offered" })],
    ["a rebirth", (): Machine => testMachine("rebirth", { requiredImage: "compute/1" })],
    ["it was retired", (): Machine => testMachine("unknown")],
  ] as const;
  for (const [what, change] of restarts) {
    const world = site(slots + 2, { keys: () => [key], isConfidential: () => false });
    await world.ask(0, { peerPort });
    const behind = await world.ask(1, { peerPort });
    assert.ok(behind.kind === "go" && behind.sources?.[0]?.machineId === world.ids[0]);
    world.becomes(0, { ...world.recordOf(0), phase: "updating" } as Machine);
    const before = await world.ask(2, { peerPort });
    assert.ok(before.kind === "go" && before.sources !== undefined, "it serves while it places its image");
    world.becomes(0, change(world.recordOf(0)));
    assert.deepEqual((await world.ask(1, { peerPort })) satisfies FetchTurn, { ...go, peerKeys: [key] }, what);
  }
  const full = site(slots + 1);
  await fill(full);
  assert.equal((await full.ask(slots)).kind, "wait");
  full.becomes(0, { ...full.recordOf(0), phase: "offered" } as Machine);
  assert.equal((await full.ask(slots)).kind, "go", "the slot of a machine that lost power is free at once");
});
