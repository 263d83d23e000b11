import assert from "node:assert/strict";
import { test } from "node:test";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import { asks, stillClock, testMac } from "../testing/fleet.ts";
import { openMemoryStore } from "../testing/memory-store.ts";
import { openNotices } from "./notices.ts";
import type { Calls } from "./webhooks.ts";

const log = () => {};

/** Keeps what is sent; the first notice waits until it is let go. */
function slowCalls() {
  const sent: string[] = [];
  let letGo = () => {};
  const mayGo = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const calls: Calls = {
    send: async ({ kind, machine }) => {
      sent.push(`${kind} ${machine.id}`);
      await mayGo;
    },
    resume: () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  return { sent, calls, letGo };
}

test("a notice that arrives while the server stops is sent after the next start, and none is sent twice", async () => {
  await using store = await openMemoryStore({ clock: stillClock(), log });
  const [one, other] = [1, 2].map((n) => machineIdFromMac(testMac(n)));
  assert.ok(one !== undefined && other !== undefined);
  for (const n of [1, 2]) await store.apply(asks(n));
  const hold = (id: typeof one) => store.apply({ kind: "conditionSet", id, condition: "hold", reason: "look at it" });

  const before = slowCalls();
  const notices = await openNotices({ store, calls: before.calls, log });
  await hold(one);
  const closing = notices[Symbol.asyncDispose]();
  await hold(other);
  before.letGo();
  await closing;
  assert.deepEqual(before.sent, [`hold ${one}`]);

  const after = slowCalls();
  after.letGo();
  await using _again = await openNotices({ store, calls: after.calls, log });
  assert.deepEqual(after.sent, [`hold ${other}`]);
});
