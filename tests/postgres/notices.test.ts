import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import type { Notice } from "../../src/core/machine/health/notification.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { Store } from "../../src/core/ports.ts";
import { asks, testMac, until } from "../../src/mdb/testing/fleet.ts";
import { openNotices } from "../../src/mdb/watch/notices.ts";
import { openCalls } from "../../src/mdb/watch/webhooks.ts";
import { startPostgres } from "./postgres-server.ts";
import { retryingStore } from "./pounding.ts";

const server = await startPostgres();
after(() => server[Symbol.asyncDispose]());
const log = () => {};
const clock = { nowMs: Date.now, monotonicMs: () => performance.now() };
const random = { bytes: (count: number) => new Uint8Array(count) };

test("of several Birthers on one database the lead sends webhooks; when it ends, the next lead continues and misses nothing", async () => {
  const place = await server.createDatabase();
  const notified = new Map<string, Notice["kind"]>();
  await using receiver = createServer(async (request, response) => {
    const notice: Notice = JSON.parse((await request.setEncoding("utf8").toArray()).join(""));
    notified.set(notice.id, notice.kind);
    response.writeHead(204).end();
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const processNotices = async (store: Store) => {
    const calls = openCalls({ store, webhooks: [{ url, key: Buffer.alloc(32, 7) }], clock, random, log });
    const notices = await openNotices({ store, calls, log });
    return {
      tick: notices.tick,
      [Symbol.asyncDispose]: async () => {
        await notices[Symbol.asyncDispose]();
        await calls[Symbol.asyncDispose]();
      },
    };
  };
  const id = machineIdFromMac(testMac(1));
  const hold = { kind: "conditionSet", id, condition: "hold", reason: "r" } as const;
  const release = { kind: "conditionCleared", id, condition: "hold" } as const;

  const first = await retryingStore(place);
  await until("the first leads", () => first.leads());
  const notices = await processNotices(first);
  await using second = await retryingStore(place);
  await second.apply(asks(1));
  await first.apply(hold);
  await until("the hold is reported", () => notified.size === 1);
  await notices[Symbol.asyncDispose]();
  await second.apply({ kind: "failed", id, step: "disk", reason: "while no server sends notices" });
  await first[Symbol.asyncDispose]();
  await until("the other leads", () => second.leads());
  await second.apply(release);
  await using last = await processNotices(second);
  await last.tick();
  await second.apply(hold);
  await until("everything is reported", () => notified.size >= 4);
  assert.deepEqual([...notified.values()].sort(), ["failing", "hold", "hold", "holdCleared"]);
});
