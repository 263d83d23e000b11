import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { DiskKeyState } from "../../src/core/tpm/disk-key.ts";
import { systemClock as clock, systemRandom as random } from "../../src/main/system-ports.ts";
import { openLoneExports } from "../../src/mdb/exports/lone-exports.ts";
import { modelsOf } from "../../src/mdb/models.ts";
import { type OpenStore, openStore } from "../../src/mdb/open-store.ts";
import { operatorApp } from "../../src/mdb/operator-api/app.ts";
import { backupsIn } from "../../src/mdb/operator-api/backup-stream.ts";
import { callersIn } from "../../src/mdb/operator-api/caller/callers.ts";
import { startOperatorServer } from "../../src/mdb/operator-api/server.ts";
import { asks, birthOf, testMac } from "../../src/mdb/testing/fleet.ts";
import { noCatalogue } from "../../src/mdb/testing/no-catalogue.ts";
import { birther } from "./birther-command.ts";

const state = mkdtempSync(join(tmpdir(), "birther-recover-"));
const life = new AsyncDisposableStack();
let store: OpenStore;
const asked = (...text: string[]) => birther(...text, "--state", state);

/** The n-th machine is up, with its disk key in this state; bound to a TPM if it proved one. */
async function born(n: number, diskKey: DiskKeyState, isBound: boolean): Promise<void> {
  const id = machineIdFromMac(testMac(n));
  const tpm = isBound ? ({ kind: "proved", ekSha256: `${n}`.repeat(64) } as const) : ({ kind: "none" } as const);
  for (const event of birthOf(n)) await store.apply(event.kind === "orderTaken" ? { ...event, tpm } : event);
  const running = { fromDisk: true, runningImage: "compute", upToDate: true } as const;
  await store.apply({ kind: "subSeen", id, ...running, diskKey });
}

/** The n-th machine has restarted, and its disk did not start. */
const restarted = (n: number) => store.apply(asks(n));

before(async () => {
  const log = () => {};
  store = life.use(await openStore({ path: ":memory:", clock, log }));
  const app = operatorApp({
    models: modelsOf(store),
    ...{ store, clock, log, version: "test", deadlineSeconds: defaultDeadlineSeconds },
    ...{ blastRadius: { machines: 10, percent: 10, perSeconds: 3600 }, networks: () => [], packetsOf: () => [] },
    ...callersIn({ store, clock, random, log }),
    catalogue: noCatalogue(),
    images: async () => [],
    exports: life.use(openLoneExports(store, clock)),
    backup: backupsIn(state, store),
  });
  life.use(await startOperatorServer({ path: join(state, "api.sock"), app, log }));
  await born(1, { kind: "sealed" }, true);
  await born(2, { kind: "plain", reason: "expected a boot as written" }, true);
  await born(3, { kind: "sealed" }, false);
  await born(4, { kind: "sealed" }, true);
  await store.apply(asks(5));
});
after(async () => {
  await life.disposeAsync();
  rmSync(state, { recursive: true });
});

for (const { what, name, prepare, says } of [
  {
    what: "an unknown name",
    name: "r01u9",
    says: /no such machine: .*r01u9\nto list all machines, run birther machines/,
  },
  {
    what: "a machine whose agent polls",
    name: "r01u4",
    says: /r01u4: expected a machine whose disk stays locked, found one whose agent polled \d+ s ago\nits disk is open/,
  },
  {
    what: "a key that is not sealed",
    name: "r01u2",
    prepare: () => restarted(2),
    says: /r01u2: expected a sealed disk key, found a machine without one\nno recovery is needed.*console/,
  },
  {
    what: "a machine that is bound to no TPM",
    name: "r01u3",
    prepare: () => restarted(3),
    says: /r01u3: expected a TPM that the machine is bound to, found no binding.*\n.*only a rebirth helps/,
  },
  { what: "a machine in its birth", name: testMac(5), says: /m-020000000005 is in state birth/ },
] as const)
  test(`release --recover refuses ${what}, says what to do, and changes nothing`, async () => {
    if (prepare !== undefined) await prepare();
    const before = store.list();
    const { status, out, err } = await asked("release", name, "--recover");
    assert.deepEqual([status, out], [1, ""]);
    assert.match(err, says);
    assert.deepEqual(store.list(), before);
  });

test("release --recover allows one recovery of a locked machine, which show, why and events name", async () => {
  await restarted(1);
  const dry = await asked("release", "r01u1", "--recover", "--dry-run");
  assert.match(dry.out, /r01u1 +yes/);
  assert.equal(JSON.stringify(store.find("r01u1")).includes("recovery"), false);
  const { status, out, err } = await asked("release", "r01u1", "--recover");
  assert.deepEqual([status, err], [0, ""]);
  assert.match(out, /^r01u1: its next network boot recovers the disk key\n$/);
  const json = JSON.parse((await asked("show", "r01u1", "-o", "json")).out);
  assert.match(JSON.stringify(json.recovery), /"by":"uid:/);
  assert.match((await asked("show", "r01u1")).out, /recovery +of the disk key, allowed by uid:\w+ /);
  const why = await asked("why", "r01u1");
  assert.match(
    why.out,
    /waits until its next network boot recovers its disk key: uid:\w+ allowed it.*\nnext: restart it/s,
  );
  assert.match((await asked("events", "r01u1")).out, /recoveryAllowed .*by uid:\w+/);
});
