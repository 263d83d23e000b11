import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Webhook as Verifier } from "standardwebhooks";
import type { Notice } from "../../src/core/machine/health/notification.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { Store } from "../../src/core/ports.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, birthOf, stillClock, testMac, until } from "../../src/mdb/testing/fleet.ts";
import { openNotices } from "../../src/mdb/watch/notices.ts";
import type { Webhook } from "../../src/mdb/watch/post-notice.ts";
import { openCalls } from "../../src/mdb/watch/webhooks.ts";

const key = Buffer.alloc(32, 7);
/** An independent implementation of a receiver. It knows only the real time. */
const verifier = new Verifier(`whsec_${key.toString("base64")}`);
const log = () => {};
const random = { bytes: (count: number) => new Uint8Array(count) };

type Taken = { readonly headers: IncomingHttpHeaders; readonly body: string; readonly notice: Notice };

/** A receiver; `answers` are the statuses of its first answers, then 204. */
async function openReceiver(...answers: number[]) {
  const taken: Taken[] = [];
  const attempts: { readonly id: string; readonly timestamp: number }[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = createServer(async (request, response) => {
    const body = (await request.setEncoding("utf8").toArray()).join("");
    const status = answers.shift() ?? 204;
    const { "webhook-id": id, "webhook-timestamp": timestamp } = request.headers;
    attempts.push({ id: String(id), timestamp: Number(timestamp) });
    if (status === 204) taken.push({ headers: request.headers, body, notice: JSON.parse(body) });
    response.writeHead(status).end();
    for (const { count, resolve } of waiting) if (taken.length >= count) resolve();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const webhook: Webhook = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, key };
  return {
    webhook,
    taken,
    attempts,
    kinds: () => taken.map(({ notice }) => notice.kind),
    /** Resolves after this many accepted calls; the test's own time-out bounds it. */
    until: (count: number) =>
      new Promise<void>((resolve) => (taken.length >= count ? resolve() : waiting.push({ count, resolve }))),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function textHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

/** Resolves when the MDB holds no call any more. */
async function untilNoneWaits(store: Store): Promise<void> {
  await until("no call is pending", () => !store.documents("webhook").some(({ key }) => key.startsWith("call ")));
}

const id = machineIdFromMac(testMac(1));
const failed = { kind: "failed", id, step: "place", reason: "no frame" } as const;

describe("webhooks", () => {
  const directory = mkdtempSync(join(tmpdir(), "birther-webhooks-"));
  after(() => rmSync(directory, { recursive: true }));
  const clock = stillClock();
  clock.pass(Date.now() - clock.nowMs());
  const open = (name: string) => openStore({ path: name === ":memory:" ? name : join(directory, name), clock, log });
  const sender = (store: Store, webhook: Webhook) =>
    openCalls({ store, webhooks: [webhook], clock, random, log, retryMs: () => 1 });

  test("failing, recovery, conflict, hold and healthy are sent once, in order, signed", async () => {
    await using receiver = await openReceiver();
    await using store = await open(":memory:");
    await using calls = sender(store, receiver.webhook);
    await using _notices = await openNotices({ store, calls, log });
    const [first, ...rest] = birthOf(1);
    await store.apply(first ?? assert.fail());
    await store.apply({ kind: "conditionSet", id, condition: "hold", reason: "disk swap" });
    await store.apply({ kind: "conditionCleared", id, condition: "hold" });
    for (const event of [rest[0], rest[1], failed, failed, rest[2]]) await store.apply(event ?? assert.fail());
    await store.apply(asks(2));
    const second = machineIdFromMac(testMac(2));
    for (const event of birthOf(2).slice(1, 3)) await store.apply(event);
    const { placement } = store.get(id) ?? {};
    await store.apply({ kind: "placed", id: second, placement: placement ?? assert.fail() });
    await receiver.until(6);
    assert.deepEqual(receiver.kinds(), ["hold", "holdCleared", "failing", "healthy", "failingCleared", "conflict"]);
    assert.equal(new Set(receiver.taken.map(({ notice }) => notice.id)).size, 6);
    assert.deepEqual(receiver.taken[2]?.notice.reason, "place: no frame");
    assert.deepEqual(receiver.taken[3]?.notice.machine.hostname, "r01u1");
    for (const { headers, body, notice } of receiver.taken) {
      assert.equal(headers["webhook-id"], notice.id);
      assert.equal(Number(headers["webhook-timestamp"]), Math.floor(clock.nowMs() / 1000));
      assert.deepEqual(verifier.verify(body, textHeaders(headers)), notice);
    }
    await untilNoneWaits(store);
  });

  test("a refused call is retried under the same id, and nothing overtakes it", async () => {
    await using receiver = await openReceiver(500, 503, 404);
    await using store = await open(":memory:");
    const retryMs = () => {
      clock.pass(1000);
      return 1;
    };
    await using calls = openCalls({ store, webhooks: [receiver.webhook], clock, random, log, retryMs });
    await using _notices = await openNotices({ store, calls, log });
    await store.apply(asks(1));
    await store.apply(failed);
    await store.apply({ kind: "conditionSet", id, condition: "hold", reason: "r" });
    await receiver.until(2);
    assert.deepEqual(receiver.kinds(), ["failing", "hold"]);
    const { id: noticeId, timestamp } = receiver.attempts[0] ?? assert.fail();
    assert.match(noticeId, /-failing$/);
    assert.deepEqual(
      receiver.attempts.slice(1, 4),
      [1, 2, 3].map((seconds) => ({ id: noticeId, timestamp: timestamp + seconds })),
    );
  });

  test("a restart loses none: pending calls are sent, changes made meanwhile are caught up", async () => {
    const away: Webhook = { url: "http://127.0.0.1:9/hook", key };
    {
      await using store = await open("restart.db");
      await using calls = sender(store, away);
      await using _notices = await openNotices({ store, calls, log });
      await store.apply(asks(1));
      await store.apply(failed);
    }
    {
      await using store = await open("restart.db");
      await store.apply({ kind: "conditionSet", id, condition: "hold", reason: "nobody made notices" });
      await store.apply({ kind: "conditionCleared", id, condition: "failing" });
    }
    await using receiver = await openReceiver();
    await using store = await open("restart.db");
    // The receiver is the same, only reachable now.
    for (const { key, document } of store.documents("webhook").filter(({ key }) => key.startsWith("call "))) {
      await store.dropDocument({ kind: "webhook", key });
      const call = "url" in document ? { ...document, url: receiver.webhook.url } : assert.fail();
      await store.putDocument({ kind: "webhook", key, document: call });
    }
    await using calls = sender(store, receiver.webhook);
    await using _notices = await openNotices({ store, calls, log });
    await receiver.until(3);
    assert.deepEqual(receiver.kinds(), ["failing", "hold", "failingCleared"]);
    await untilNoneWaits(store);
  });

  test("of several processes the lead sends webhooks; its successor catches up on missed changes", async () => {
    await using receiver = await openReceiver();
    await using database = await open("takeover.db");
    let leads = true;
    const store = { ...database, leads: () => leads };
    await using calls = sender(store, receiver.webhook);
    await using notices = await openNotices({ store, calls, log });
    await store.apply(asks(1));
    await store.apply(failed);
    await receiver.until(1);
    await untilNoneWaits(store);
    leads = false;
    await notices.tick();
    await store.apply({ kind: "conditionSet", id, condition: "hold", reason: "r" });
    await store.apply({ kind: "conditionCleared", id, condition: "hold" });
    assert.equal(receiver.taken.length, 1);
    leads = true;
    await notices.tick();
    await receiver.until(3);
    assert.deepEqual(receiver.kinds(), ["failing", "hold", "holdCleared"]);
  });

  test("the first start with webhooks sends nothing about the past", async () => {
    await using receiver = await openReceiver();
    await using store = await open(":memory:");
    for (const event of birthOf(1)) await store.apply(event);
    await using calls = sender(store, receiver.webhook);
    await using _notices = await openNotices({ store, calls, log });
    await store.apply({ kind: "conditionSet", id, condition: "hold", reason: "r" });
    await receiver.until(1);
    assert.deepEqual(receiver.kinds(), ["hold"]);
  });
});
