import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { LogLine } from "../../src/core/machine/log-line.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import type { Log } from "../../src/core/ports.ts";
import { copyApp } from "../../src/dominator/copies/copy-app.ts";
import { openOtherLogs } from "../../src/dominator/copies/other-logs.ts";
import { confidentialStores } from "../../src/dominator/storage/confidential-stores.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { startMachineServer } from "../../src/mdb/machine-api/server.ts";
import { stillClock, testMac } from "../../src/mdb/testing/fleet.ts";
import { openApp } from "../../src/mdb/testing/operator-app.ts";
import { openPki } from "../../src/mdb/tls/pki.ts";
import { serverSecret } from "../../src/mdb/tls/server-secret.ts";
import { freePort } from "../support/free-port.ts";

const log: Log = () => {};
const id = machineIdFromMac(testMac(1));

test("the log of a machine has the lines of all servers of the database, and names servers that do not answer", async () => {
  await using life = new AsyncDisposableStack();
  const parent = mkdtempSync(join(tmpdir(), "birther-logs-"));
  life.defer(() => rmSync(parent, { recursive: true }));
  const pki = { directory: join(parent, "pki") };
  const clock = { ...stillClock(), nowMs: () => Date.now() };
  const { caPem } = await openPki({ ...pki, clock, log });
  const secret = serverSecret(pki);
  const lines: LogLine[] = [
    { atMs: 1, boot: "0000000a", text: "the other server heard this first" },
    { atMs: Date.now() + 1000, boot: "0000000b", text: "and this last" },
  ];
  const [port, closed] = [await freePort(), await freePort()];
  const asked: string[] = [];
  const app = copyApp({
    ...{ images: await openImageStore(join(parent, "images"), { log }), secret },
    ...{ objects: await openObjectStore(join(parent, "objects")), confidential: confidentialStores(join(parent, "c")) },
    readLog: async (wanted) => {
      asked.push(wanted);
      return wanted === id ? lines : [];
    },
  });
  const apps = [app];
  const limits = { requestLimit: () => ({ kind: "admitted" }) as const, connectionsPerAddress: 100 };
  life.use(await startMachineServer({ addresses: [ip("127.0.0.1")], port, pki, apps, ...limits, clock, log }));

  const [self, other, dead] = ["127.0.0.1:1", `127.0.0.1:${port}`, `127.0.0.1:${closed}`];
  const site = life.use(
    await openApp(1, 0, [], (store) => ({
      otherLogs: openOtherLogs({ store, self, secret, caPem, clock: stillClock() }),
    })),
  );
  const runs = async (key: string) =>
    await site.store.putDocument({ kind: "siteServer", key, document: { networks: [], aliveAtMs: 1_000_000 } });
  site.store.addLog(id, ["this server heard this"], "0000000c");
  const { json: alone } = await site.ask("/v1/machines/r01u1/log");
  assert.deepEqual([alone.lines.length, alone.unreached], [1, undefined]);
  for (const key of [self, other]) await runs(key);
  // What another server has verified since, and what it has not.
  site.store.addEarlyLog(id, ["unverified #1: and this last", "unverified #2: only here"], "0000000b-1");
  const { json: both } = await site.ask("/v1/machines/r01u1/log");
  assert.deepEqual(
    both.lines.map(({ text }: LogLine) => text),
    ["the other server heard this first", "this server heard this", "unverified #2: only here", "and this last"],
  );
  assert.deepEqual([both.boots, both.unreached], [3, undefined]);
  await runs(dead);
  const { json: cut } = await site.ask("/v1/machines/r01u1/log");
  assert.deepEqual([cut.lines.length, cut.unreached], [4, [dead]]);
  assert.deepEqual([...new Set(asked)], [id]);

  const stranger = openOtherLogs({ store: site.store, self, secret: "guessed", caPem, clock: stillClock() });
  const refused = await stranger(id);
  assert.deepEqual([refused.lines, [...refused.unreached].sort()], [[], [other, dead].sort()]);
});
