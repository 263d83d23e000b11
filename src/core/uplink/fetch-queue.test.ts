import assert from "node:assert/strict";
import { test } from "node:test";
import {
  emptyFetchQueue,
  type FetchAnswer,
  type FetchQueueEvent,
  obeysRetryAfter,
  stepFetchQueue,
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
      const step = stepFetchQueue(line, event, { nowMs: atSeconds * 1000, bytesPerSecond });
      assert.deepEqual(step.answer, verdict, `${atSeconds} s: ${event.kind} ${event.who}`);
      line = step.line;
    }
  });

test("an uplink that is too small for one client still serves one, and no client waits longer than half a minute", () => {
  const now = { nowMs: 0, bytesPerSecond: 0.1 };
  const first = stepFetchQueue(emptyFetchQueue, asked("a"), now);
  assert.deepEqual(first.answer, admitted);
  assert.deepEqual(stepFetchQueue(first.line, asked("b"), now).answer, wait(1, 200, 30));
});

test("more machines than the queue holds: the queue is bounded, and all must wait", () => {
  const waiting = Array.from({ length: 16_384 }, (_, i) => ({ who: `m${i}`, bytes: 20, asksAgainAtMs: 0 }));
  const full = { served: [{ who: "a", bytesLeft: 20, untilMs: 60_000 }], waiting };
  const { line, answer } = stepFetchQueue(full, asked("b"), { nowMs: 0, bytesPerSecond });
  assert.equal(line.waiting.length, 16_384);
  assert.deepEqual(answer, wait(16_385, 32_770, 30));
});

test("only iPXE is put off", () => {
  assert.ok(obeysRetryAfter("iPXE/1.0.0+git-20190125.36a4c85-5.1"));
  for (const other of ["UefiHttpBoot/1.0", "curl/7.88.1", undefined]) assert.ok(!obeysRetryAfter(other));
});
