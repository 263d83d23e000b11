import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { credentialFor } from "../../contract/credential.ts";
import { paths } from "../../contract/machine/paths.ts";
import { agentProtocol } from "../../core/image/filter.ts";
import { summaryFor } from "../../core/image/testing/decide.ts";
import type { MachineEvent } from "../../core/machine/event.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import type { WorkProgress } from "../../core/machine/work-progress.ts";
import { readPoll } from "../thread/read-poll.ts";
import { subApp } from "./app.ts";
import type { Reboots } from "./reboots.ts";
import { openReportSlots } from "./report-slots.ts";
import type { SubAppInput } from "./sub-app-input.ts";

const id = "m-525400000001" as MachineId;
const credential = credentialFor(id, "0a".repeat(32));
/** Its record cannot be read. */
const damaged = "m-525400000002" as MachineId;
const machine = testMachine("healthy", {
  ...{ id, requiredImage: "compute/1" },
  subTokenHash: createHash("sha256").update(credential).digest("hex"),
});
/** What the MDB holds of the machine: tests of what happens under way change it. */
let record: Machine = machine;
const noted: WorkProgress[] = [];
const store: SubAppInput["store"] = {
  get: (asked: MachineId) => (asked === id ? record : undefined),
  unreadableWith: (key) =>
    "id" in key && key.id === damaged ? { id: damaged, fault: "…", claims: [], macs: [] } : undefined,
  apply: async () => ({ kind: "changed", machine }),
  addLog: () => undefined,
  noteProgress: (_id, progress) => void noted.push(progress),
};
const manifest = { name: "compute/1", createdAtMs: 0, source: "", filter: [], tree: { inodes: [], entries: [] } };
const images: SubAppInput["images"] = {
  refresh: async () => {},
  get: (name) => (name === manifest.name ? summaryFor(manifest) : undefined),
  pathOf: () => "compute/1.json",
};
/** As the thread does, with the manifest that is in no file. */
const tasks: SubAppInput["tasks"] = {
  readPoll: async (body, wanted) => readPoll(body, wanted, { load: () => manifest }),
};
const poll = {
  machineId: id,
  running: "image",
  kernel: "6",
  rebootPending: false,
  secondsSinceCheck: 0,
  freeBytes: 1e9,
};

/** A body that says how many of its bytes were taken. */
function largeBody(bytes: number) {
  let read = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (read >= bytes) return controller.close();
        read += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, bytesRead: () => read };
}

function app(reboots?: Reboots) {
  const clock = { monotonicMs: () => 0 };
  const reportSlots = openReportSlots(clock, 1);
  const hono = subApp({
    store,
    images,
    tasks,
    ...{ caPem: "", clock, log: () => undefined, reportSlots },
    ...(reboots === undefined ? {} : { reboots }),
  });
  const post = async (body: object | ReadableStream, more: { bearer?: string; length?: number } = {}) => {
    const stream = body instanceof ReadableStream;
    const answer = await hono.request(paths.subPoll, {
      method: "POST",
      headers: {
        authorization: `Bearer ${more.bearer ?? credential}`,
        ...(more.length === undefined ? {} : { "content-length": String(more.length) }),
      },
      body: stream ? body : JSON.stringify(body),
      ...(stream ? { duplex: "half" } : {}),
    } as RequestInit);
    const text = await answer.text();
    return { status: answer.status, body: (text.startsWith("{") ? JSON.parse(text) : {}) as { kind?: string } };
  };
  return { reportSlots, post };
}

/** A poll whose body is under way while the record changes. */
async function pollWhile(change: (machine: Machine) => Machine): Promise<{ status: number; body: { kind?: string } }> {
  const bytes = new TextEncoder().encode(JSON.stringify(poll));
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes.slice(0, 10)),
    pull: (controller) => {
      record = change(machine);
      controller.enqueue(bytes.slice(10));
      controller.close();
    },
  });
  try {
    return await app().post(body, { length: bytes.length });
  } finally {
    record = machine;
  }
}

const hold = { kind: "hold", reason: "look at it", sinceMs: 0 } as const;
const meanwhile: readonly (readonly [title: string, change: (machine: Machine) => Machine, says: RegExp])[] = [
  ["held", (now) => ({ ...now, conditions: [hold] }), /^wait .*held: look at it/],
  ["sent to rebirth", (now) => ({ ...now, state: "rebirth" }) as Machine, /^wait .*state rebirth/],
  [
    "excluded from updates",
    (now) => ({ ...now, disableUpdates: true, runningImage: "compute/1" }) as Machine,
    /^wait .*updates of this machine are disabled/,
  ],
  ["retired", ({ subTokenHash: _void, ...now }) => now as Machine, /^401/],
  ["left alone", (now) => now, /^report/],
];

describe("a sub's poll", () => {
  test("a machine whose record cannot be read is not told to be born again", async () => {
    const bearer = credentialFor(damaged, "0a".repeat(32));
    const { status, body } = await app().post({ ...poll, machineId: damaged }, { bearer });
    assert.deepEqual([status, body.kind, JSON.stringify(body).includes("rebirth")], [409, "unreadableRecord", false]);
    const stranger = await app().post(poll, { bearer: credentialFor(id, "0b".repeat(32)) });
    assert.deepEqual([stranger.status, stranger.body.kind], [401, "unknownSub"]);
  });

  for (const [title, change, says] of meanwhile) {
    test(`a machine that is ${title} while its body is under way`, async () => {
      const { status, body } = await pollWhile(change);
      assert.match(`${status === 200 ? body.kind : status} ${JSON.stringify(body)}`, says);
    });
  }

  test("where an external Dominator updates, it is left alone once it runs a system of its own, and counts as up", async () => {
    record = testMachine("healthy", { ...machine, runningImage: "compute/0" });
    const seen: MachineEvent[] = [];
    const noting = {
      ...store,
      apply: async (event: MachineEvent) => {
        seen.push(event);
        return { kind: "changed", machine } as const;
      },
    };
    try {
      const hono = subApp({
        store: noting,
        images,
        tasks,
        caPem: "",
        clock: { monotonicMs: () => 0 },
        log: () => undefined,
        othersUpdate: true,
      });
      const headers = { authorization: `Bearer ${credential}` };
      const answer = await hono.request(paths.subPoll, { method: "POST", headers, body: JSON.stringify(poll) });
      assert.match(JSON.stringify(await answer.json()), /"wait".*an external Dominator updates this machine/);
      assert.deepEqual(seen, [{ kind: "subSeen", id, fromDisk: true, upToDate: true }]);
    } finally {
      record = machine;
    }
    assert.equal((await app().post(poll)).body.kind, "report", "elsewhere it is compared with its image");
  });

  test("a stranger's body is not read", async () => {
    const { post } = app();
    const length = 200 << 20;
    for (const bearer of [
      "guess",
      credentialFor(id, "0b".repeat(32)),
      credentialFor("m-ffffffffffff" as MachineId, "0a".repeat(32)),
    ]) {
      const { stream, bytesRead } = largeBody(length);
      assert.equal((await post(stream, { bearer, length })).status, 401);
      assert.equal(bytesRead(), 0);
    }
  });

  test("a credential is good for its own machine only", async () => {
    assert.equal((await app().post({ ...poll, machineId: "m-525400000002" })).status, 401);
  });

  test("a large body that was not requested is not read; a small one is ignored", async () => {
    const { post } = app();
    const { stream, bytesRead } = largeBody(200 << 20);
    const { status, body } = await post(stream, { length: 200 << 20 });
    assert.deepEqual([status, body.kind, bytesRead()], [200, "wait", 0]);
    const tree = { inodes: [], entries: [["/nowhere", 7]] };
    assert.equal((await post({ ...poll, tree })).body.kind, "report");
    assert.equal((await post({ ...poll, tree })).status, 400, "asked for, it is checked");
  });

  test("a sub that was asked to report may send a large body, while there is room", async () => {
    const { reportSlots: slots, post } = app();
    assert.equal((await post(poll)).body.kind, "report");
    const other = "m-525400000002" as MachineId;
    slots.notified(other, { kind: "report" });
    const admission = slots.admit({ id: other });
    assert.ok(admission.kind === "room");
    const large = { ...poll, log: ["x"], tree: { inodes: [], entries: [] } };
    const length = 5 << 20;
    assert.equal((await post(large, { length })).status, 503);
    admission.room[Symbol.dispose]();
    assert.equal((await post(large, { length })).status, 200);
  });

  test("a machine that the previous version installed is served, and its agent's files are left alone", async () => {
    const { post } = app();
    // As that version sent them: no protocol, and its own paths marked.
    const formerly = { ...poll, patchedImage: "compute/0" };
    assert.equal((await post(formerly)).body.kind, "report");
    const inodes = [
      { kind: "protected" },
      { kind: "directory", mode: 0o755, uid: 0, gid: 0 },
      { kind: "symlink", uid: 0, gid: 0, target: "x" },
    ];
    const entries = [
      ["/.subd", 0],
      ["/stray", 2],
      ["/usr", 1],
      ["/usr/local", 1],
      ["/usr/local/sbin", 1],
      ["/usr/local/sbin/subd", 0],
    ];
    const { body } = await post({ ...formerly, tree: { inodes, entries }, objects: [] });
    assert.deepEqual(body, {
      kind: "update",
      image: "compute/1",
      steps: [{ kind: "removeFile", path: "/stray" }],
      kernelChanged: false,
      blocked: [],
    });
  });

  test("an agent of a newer protocol is told that the server has to be updated", async () => {
    const { status, body } = await app().post({ ...poll, protocol: agentProtocol + 1, running: "elsewhere" });
    assert.equal(status, 422);
    assert.match(JSON.stringify(body), /"newerProtocol".*"next":"update this server/);
  });

  test("a machine that an operator restarts is told when its turn comes, and in no other boot than the one that runs", async () => {
    const reboot = { by: "olga", atMs: 0, atOnce: 1, perRack: 1 };
    record = { ...machine, phase: "up", reboot } as Machine;
    try {
      const turns = { mayReboot: () => false };
      const { post } = app(turns);
      const upToDate = { ...poll, protocol: agentProtocol, patchedImage: "compute/1", bootId: "0123abcd-0000" };
      assert.equal((await post(upToDate)).body.kind, "wait");
      turns.mayReboot = () => true;
      assert.equal((await post(upToDate)).body.kind, "reboot");
      const { bootId: _unsaid, ...older } = upToDate;
      assert.equal((await post(older)).body.kind, "wait", "it could not be told from the boot before");
    } finally {
      record = machine;
    }
  });

  test("a poll in the middle of a directive says how far it is, and no directive is chosen", async () => {
    noted.length = 0;
    const progress = { what: "update", done: 3, total: 9 };
    const { status, body } = await app().post({ ...poll, protocol: agentProtocol, progress });
    assert.deepEqual([status, body.kind, noted], [200, "wait", [progress]]);
  });

  test("a small poll that turns out to be large ends at the limit", async () => {
    const { stream, bytesRead } = largeBody(64 << 20);
    assert.equal((await app().post(stream)).status, 413);
    assert.ok(bytesRead() < 8 << 20);
  });
});
