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

test("a power-on of many machines: the uplink is hardly idle while one waits, and all are served", () => {
  const rules = systemImageRules({ bytesPerSecond: 1.25e9, bootImagesWait: false });
  const slots = systemImageSlots(1.25e9);
  const fetchMs = 20_000;
  let line = emptyFetchQueue;
  const due = Array.from({ length: 400 }, (_, i) => ({ who: `m${i}`, atMs: i % 1000 }));
  const running: { who: string; untilMs: number }[] = [];
  const started: number[] = [];
  let idleMs = 0;
  for (let nowMs = 0; due.length > 0 || running.length > 0; nowMs += 500) {
    for (const done of running.filter(({ untilMs }) => untilMs <= nowMs)) {
      ({ line } = stepFetchQueue(line, { kind: "left", who: done.who }, { nowMs, rules }));
      running.splice(running.indexOf(done), 1);
    }
    for (const one of due.filter(({ atMs }) => atMs <= nowMs)) {
      const step = stepFetchQueue(line, { kind: "asked", who: one.who, bytes: 1e9 }, { nowMs, rules });
      line = step.line;
      if (step.answer?.kind === "wait") one.atMs = nowMs + step.answer.retryAfterSeconds * 1000;
      else {
        due.splice(due.indexOf(one), 1);
        running.push({ who: one.who, untilMs: nowMs + fetchMs });
        started.push(nowMs);
      }
      assert.ok(running.length <= slots);
    }
    if (due.length > 0 && running.length < slots) idleMs += 500 * (1 - running.length / slots);
  }
  assert.equal(started.length, 400);
  const ideal = (400 / slots) * fetchMs;
  assert.ok(idleMs < ideal / 5, `${idleMs} of ${ideal} ms idle`);
});
