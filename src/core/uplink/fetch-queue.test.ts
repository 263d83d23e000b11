import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bootImageRules,
  emptyFetchQueue,
  type FetchAnswer,
  type FetchQueue,
  type FetchQueueEvent,
  obeysRetryAfter,
  stepFetchQueue,
  systemImageRules,
  systemImageSlots,
} from "./fetch-queue.ts";

// 10 bytes a second: forty at once. An image has twenty.
const bytesPerSecond = 10;
const asked = (who: string): FetchQueueEvent => ({ kind: "asked", who, bytes: 20 });
const sent = (who: string, bytes = 20): FetchQueueEvent => ({ kind: "sent", who, bytes });
const wait = (position: number, estimatedSeconds: number, retryAfterSeconds = estimatedSeconds): FetchAnswer => ({
  ...{ kind: "wait", position, estimatedSeconds, retryAfterSeconds },
});
const admitted: FetchAnswer = { kind: "admitted" };

type Step = readonly [atSeconds: number, event: FetchQueueEvent, verdict?: FetchAnswer];
const stories: readonly (readonly [title: string, ...steps: Step[]])[] = [
  [
    "two fit, the third waits for both",
    [0, asked("a"), admitted],
    [0, asked("b"), admitted],
    [0, asked("c"), wait(1, 4)],
  ],
  ["who was let in may ask as often as it likes", [0, asked("a"), admitted], [1, asked("a"), admitted]],
  [
    "first come, first served: a later one does not take the place of one that sleeps",
    ...([
      [0, asked("a"), admitted],
      [0, asked("b"), admitted],
      [0, asked("c"), wait(1, 4)],
    ] as const),
    ...([
      [1, asked("d"), wait(2, 6)],
      [2, sent("a")],
      [2, asked("e"), wait(3, 6)],
      [4, asked("c"), admitted],
    ] as const),
    ...([
      [5, sent("b")],
      [6, asked("e"), wait(2, 4)],
      [7, asked("d"), admitted],
    ] as const),
  ],
  [
    "half of an image makes room for half",
    ...([
      [0, asked("a"), admitted],
      [0, asked("b"), admitted],
      [1, sent("a", 10)],
      [1, asked("c"), wait(1, 3)],
    ] as const),
    ...([
      [2, sent("a", 10)],
      [3, asked("c"), admitted],
    ] as const),
  ],
  [
    "who does not come back loses its place",
    ...([
      [0, asked("a"), admitted],
      [0, asked("b"), admitted],
      [0, asked("c"), wait(1, 4)],
    ] as const),
    ...([
      [0, asked("d"), wait(2, 6)],
      [8, sent("a")],
      [10, asked("d"), admitted],
    ] as const),
  ],
  [
    "who never finishes gives its place away",
    ...([
      [0, asked("a"), admitted],
      [0, asked("b"), admitted],
      [59, asked("c"), wait(1, 4)],
    ] as const),
    [61, asked("c"), admitted],
  ],
];
for (const [title, ...steps] of stories)
  test(`line: ${title}`, () => {
    let line = emptyFetchQueue;
    for (const [atSeconds, event, verdict] of steps) {
      const step = stepFetchQueue(line, event, { nowMs: atSeconds * 1000, rules: bootImageRules(bytesPerSecond) });
      assert.deepEqual(step.answer, verdict, `${atSeconds} s: ${event.kind} ${event.who}`);
      line = step.line;
    }
  });

test("an uplink that is too small for one client still serves one, and no client waits longer than half a minute", () => {
  const now = { nowMs: 0, rules: bootImageRules(0.1) };
  const first = stepFetchQueue(emptyFetchQueue, asked("a"), now);
  assert.deepEqual(first.answer, admitted);
  assert.deepEqual(stepFetchQueue(first.line, asked("b"), now).answer, wait(1, 200, 30));
});

test("more machines than the queue holds: the queue is bounded, and all must wait", () => {
  const waiting = Array.from({ length: 16_384 }, (_, i) => ({ who: `m${i}`, bytes: 20, asksAgainAtMs: 0 }));
  const full = { served: [{ who: "a", bytesLeft: 20, untilMs: 60_000 }], waiting };
  const { line, answer } = stepFetchQueue(full, asked("b"), { nowMs: 0, rules: bootImageRules(bytesPerSecond) });
  assert.equal(line.waiting.length, 16_384);
  assert.deepEqual(answer, wait(16_385, 32_770, 30));
});

test("only iPXE is put off", () => {
  assert.ok(obeysRetryAfter("iPXE/1.0.0+git-20190125.36a4c85-5.1"));
  for (const other of ["UefiHttpBoot/1.0", "curl/7.88.1", undefined]) assert.ok(!obeysRetryAfter(other));
});

test("system images: as many machines as fill the uplink fetch at once, and the next one starts when one has all of it", () => {
  const rules = systemImageRules({ bytesPerSecond: 125_000_000, bootImagesWait: false });
  const image = 1e9;
  const ask = (line: FetchQueue, who: string, nowMs: number) =>
    stepFetchQueue(line, { kind: "asked", who, bytes: image }, { nowMs, rules });
  let line = emptyFetchQueue;
  const slots = systemImageSlots(125_000_000);
  for (let i = 0; i < slots; i += 1) {
    const step = ask(line, `m${i}`, 0);
    assert.deepEqual(step.answer, admitted);
    line = step.line;
  }
  line = ask(line, "next", 0).line;
  assert.deepEqual(ask(line, "later", 0).answer, wait(2, 8 * (slots + 1), 3));
  ({ line } = stepFetchQueue(line, { kind: "left", who: "m0" }, { nowMs: 20_000, rules }));
  assert.deepEqual(ask(line, "later", 20_000).answer?.kind, "wait", "its place is kept for the one before it");
  assert.deepEqual(ask(line, "next", 21_000).answer, admitted);
});

test("system images: nothing starts while boot images wait, except where nothing else is fetched", () => {
  const rules = systemImageRules({ bytesPerSecond: 125_000_000, bootImagesWait: true });
  const first = stepFetchQueue(emptyFetchQueue, asked("a"), { nowMs: 0, rules });
  assert.deepEqual(first.answer, admitted);
  assert.equal(stepFetchQueue(first.line, asked("b"), { nowMs: 0, rules }).answer?.kind, "wait");
});

test("system images: without a known bandwidth there is a place, but no time", () => {
  const rules = systemImageRules({ bytesPerSecond: undefined, bootImagesWait: false });
  let line = emptyFetchQueue;
  for (let i = 0; i < systemImageSlots(undefined); i += 1)
    ({ line } = stepFetchQueue(line, asked(`m${i}`), { nowMs: 0, rules }));
  const { answer } = stepFetchQueue(line, asked("b"), { nowMs: 0, rules });
  assert.deepEqual(answer, { kind: "wait", position: 1, retryAfterSeconds: 3 });
});

/** A crowd that asks from the first second on; each fetch takes `fetchMs`. */
function crowd(machines: number, fetchMs: number, bytesPerSecond?: number) {
  const rules = systemImageRules({ bytesPerSecond, bootImagesWait: false });
  const slots = systemImageSlots(bytesPerSecond);
  let line = emptyFetchQueue;
  const due = new Map(Array.from({ length: machines }, (_, i) => [`m${i}`, i % 1000]));
  const running = new Map<string, number>();
  let [asks, idleMs, nowMs] = [0, 0, 0];
  for (; due.size > 0 || running.size > 0; nowMs += 500) {
    for (const [who, untilMs] of running) {
      if (untilMs > nowMs) continue;
      ({ line } = stepFetchQueue(line, { kind: "left", who }, { nowMs, rules }));
      running.delete(who);
    }
    for (const [who, atMs] of due) {
      if (atMs > nowMs) continue;
      const step = stepFetchQueue(line, { kind: "asked", who, bytes: 1e9 }, { nowMs, rules });
      line = step.line;
      asks += 1;
      if (step.answer?.kind === "wait") due.set(who, nowMs + step.answer.retryAfterSeconds * 1000);
      else if (due.delete(who)) running.set(who, nowMs + fetchMs);
      assert.ok(running.size <= slots);
    }
    if (due.size > 0 && running.size < slots) idleMs += 500 * (1 - running.size / slots);
  }
  return { seconds: nowMs / 1000, asks, idleMs, idealMs: (machines / slots) * fetchMs };
}

test("a power-on of many machines: the uplink is hardly idle while one waits, and all are served", () => {
  const { idleMs, idealMs } = crowd(400, 20_000, 1.25e9);
  assert.ok(idleMs < idealMs / 5, `${idleMs} of ${idealMs} ms idle`);
});

test("short fetches of thousands, such as an update's: slots do not stay free until the next ones ask", () => {
  const { seconds, asks } = crowd(2000, 500);
  assert.ok(seconds < 100, `20 a second: ${seconds} s`);
  assert.ok(asks < 300 * seconds, `${asks} questions in ${seconds} s`);
});

test("thousands that wait do not ask more often than the server can answer", () => {
  const { longestWaitSeconds } = systemImageRules({ bytesPerSecond: undefined, bootImagesWait: false });
  const everySecond = Array.from({ length: 4000 }, (_, at) => 1 / longestWaitSeconds(at + 1)).reduce((a, b) => a + b);
  assert.ok(everySecond < 300, `${everySecond} questions a second`);
});
