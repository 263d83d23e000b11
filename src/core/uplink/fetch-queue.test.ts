import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bootImageRules,
  type FetchAnswer,
  type FetchQueue,
  obeysRetryAfter,
  openFetchQueue,
  systemImageRules,
  systemImageSlots,
} from "./fetch-queue.ts";

// 10 bytes a second: forty at once. An image has twenty.
const bytesPerSecond = 10;
type Now = Parameters<FetchQueue["ask"]>[2];
type Event = (queue: FetchQueue, now: Now) => FetchAnswer | undefined;
const asked =
  (who: string): Event =>
  (queue, now) =>
    queue.ask(who, 20, now);
const sent =
  (who: string, bytes = 20): Event =>
  (queue, now) => {
    queue.sent(who, bytes, now);
    return undefined;
  };
const wait = (position: number, estimatedSeconds: number, retryAfterSeconds = estimatedSeconds): FetchAnswer => ({
  ...{ kind: "wait", position, estimatedSeconds, retryAfterSeconds },
});
const admitted: FetchAnswer = { kind: "admitted" };

type Step = readonly [atSeconds: number, event: Event, verdict?: FetchAnswer];
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
    const queue = openFetchQueue();
    for (const [index, [atSeconds, event, verdict]] of steps.entries()) {
      const answer = event(queue, { nowMs: atSeconds * 1000, rules: bootImageRules(bytesPerSecond) });
      assert.deepEqual(answer, verdict, `step ${index + 1}, at ${atSeconds} s`);
    }
  });

test("an uplink that is too small for one client still serves one, and no client waits longer than half a minute", () => {
  const now = { nowMs: 0, rules: bootImageRules(0.1) };
  const queue = openFetchQueue();
  assert.deepEqual(queue.ask("a", 20, now), admitted);
  assert.deepEqual(queue.ask("b", 20, now), wait(1, 200, 30));
});

test("more machines than the queue holds: the queue is bounded, and all must wait", () => {
  const now = { nowMs: 0, rules: bootImageRules(bytesPerSecond) };
  const queue = openFetchQueue();
  for (let nth = 0; nth < 65_538; nth += 1) queue.ask(`m${nth}`, 20, now);
  const late = wait(65_537, 131_076, 30);
  assert.deepEqual([queue.ask("b", 20, now), queue.ask("c", 20, now)], [late, late]);
});

test("only iPXE is put off", () => {
  assert.ok(obeysRetryAfter("iPXE/1.0.0+git-20190125.36a4c85-5.1"));
  for (const other of ["UefiHttpBoot/1.0", "curl/7.88.1", undefined]) assert.ok(!obeysRetryAfter(other));
});

test("system images: as many machines as fill the uplink fetch at once, and the next one starts when one has all of it", () => {
  const rules = systemImageRules({ bytesPerSecond: 125_000_000, bootImagesWait: false, hasOthers: true });
  const image = 1e9;
  const queue = openFetchQueue();
  const ask = (who: string, nowMs: number) => queue.ask(who, image, { nowMs, rules });
  const slots = systemImageSlots(125_000_000);
  for (let i = 0; i < slots; i += 1) assert.deepEqual(ask(`m${i}`, 0), admitted);
  ask("next", 0);
  assert.deepEqual(ask("later", 0), wait(2, 8 * (slots + 1), 3));
  queue.left("m0");
  assert.deepEqual(ask("later", 20_000).kind, "wait", "its place is kept for the one before it");
  assert.deepEqual(ask("next", 21_000), admitted);
});

test("system images: nothing starts while boot images wait, except where nothing else is fetched", () => {
  const rules = systemImageRules({ bytesPerSecond: 125_000_000, bootImagesWait: true, hasOthers: true });
  const queue = openFetchQueue();
  assert.deepEqual(queue.ask("a", 20, { nowMs: 0, rules }), admitted);
  assert.ok(queue.wouldWait("b", { nowMs: 0, rules }));
  assert.equal(queue.ask("b", 20, { nowMs: 0, rules }).kind, "wait");
  assert.ok(!queue.wouldWait("a", { nowMs: 0, rules }));
});

test("system images: without a known bandwidth there is a place, but no time", () => {
  const rules = systemImageRules({ bytesPerSecond: undefined, bootImagesWait: false, hasOthers: true });
  const queue = openFetchQueue();
  for (let i = 0; i < systemImageSlots(undefined); i += 1) queue.ask(`m${i}`, 20, { nowMs: 0, rules });
  assert.deepEqual(queue.ask("b", 20, { nowMs: 0, rules }), { kind: "wait", position: 1, retryAfterSeconds: 3 });
});

type Crowd = {
  readonly machines: number;
  readonly fetchMs: number;
  readonly bytesPerSecond?: number;
  readonly hasOthers?: boolean;
  /** This number of them, from the end of the line, lose their power in the tenth second. */
  readonly lost?: number;
};

/** A crowd that asks from the first second on; each fetch takes `fetchMs`. */
function crowd({ machines, fetchMs, bytesPerSecond, hasOthers = true, lost = 0 }: Crowd) {
  const rules = systemImageRules({ bytesPerSecond, bootImagesWait: false, hasOthers });
  const slots = systemImageSlots(bytesPerSecond);
  const queue = openFetchQueue();
  const due = new Map(Array.from({ length: machines }, (_, i) => [`m${i}`, i % 1000]));
  const running = new Map<string, number>();
  let [asks, idleMs, nowMs] = [0, 0, 0];
  for (; due.size > 0 || running.size > 0; nowMs += 500) {
    if (nowMs === 10_000) for (let i = 1; i <= lost; i += 1) due.delete(`m${machines - 2 * i}`);
    for (const [who, untilMs] of running) {
      if (untilMs > nowMs) continue;
      queue.left(who);
      running.delete(who);
    }
    for (const [who, atMs] of due) {
      if (atMs > nowMs) continue;
      const answer = queue.ask(who, 1e9, { nowMs, rules });
      asks += 1;
      if (answer.kind === "wait") due.set(who, nowMs + answer.retryAfterSeconds * 1000);
      else if (due.delete(who)) running.set(who, nowMs + fetchMs);
      assert.ok(running.size <= slots);
    }
    if (due.size > 0 && running.size < slots) idleMs += 500 * (1 - running.size / slots);
  }
  return { seconds: nowMs / 1000, asks, idleMs, idealMs: ((machines - lost) / slots) * fetchMs };
}

test("a power-on of many machines: the uplink is hardly idle while one waits, and all are served", () => {
  const { idleMs, idealMs } = crowd({ machines: 400, fetchMs: 20_000, bytesPerSecond: 1.25e9 });
  assert.ok(idleMs < idealMs / 5, `${idleMs} of ${idealMs} ms idle`);
});

test("machines that have nobody but the server wait longer without a question, and the uplink is as busy", () => {
  // What the uplink sends: a gigabyte each, of 24 machines at once.
  const site = { machines: 2000, fetchMs: 19_000, bytesPerSecond: 1.25e9 };
  const [often, seldom] = [true, false].map((hasOthers) => crowd({ ...site, hasOthers }));
  assert.ok(often !== undefined && seldom !== undefined && seldom.asks < often.asks / 2);
  assert.ok(seldom.idleMs < seldom.idealMs / 5, `${seldom.idleMs} of ${seldom.idealMs} ms idle`);
  const halved = crowd({ ...site, hasOthers: false, lost: 900 });
  assert.ok(halved.idleMs < halved.idealMs / 4, `half are lost: ${halved.idleMs} of ${halved.idealMs} ms idle`);
});

test("short fetches of thousands, such as an update's: slots do not stay free until the next ones ask", () => {
  for (const hasOthers of [true, false]) {
    const { seconds, asks } = crowd({ machines: 2000, fetchMs: 500, hasOthers });
    assert.ok(seconds < 100, `20 a second: ${seconds} s`);
    assert.ok(asks < 300 * seconds, `${asks} questions in ${seconds} s`);
  }
});

/** Questions a second of as many that wait for a gigabyte each. */
function asksPerSecond(
  machines: number,
  of: { readonly bytesPerSecond: number | undefined; readonly hasOthers: boolean },
) {
  const { longestWaitSeconds } = systemImageRules({ ...of, bootImagesWait: false });
  const { bytesPerSecond } = of;
  const expected = (position: number) => (bytesPerSecond === undefined ? undefined : (position * 1e9) / bytesPerSecond);
  return Array.from({ length: machines }, (_, at) => 1 / longestWaitSeconds(at + 1, expected(at + 1))).reduce(
    (sum, rate) => sum + rate,
  );
}

test("thousands that wait do not ask more often than the server can answer", () => {
  for (const hasOthers of [true, false]) {
    const everySecond = asksPerSecond(4000, { bytesPerSecond: undefined, hasOthers });
    assert.ok(everySecond < 300, `${everySecond} questions a second`);
  }
  const everySecond = asksPerSecond(40_000, { bytesPerSecond: 1.25e9, hasOthers: false });
  assert.ok(everySecond < 200, `40,000 machines without peers: ${everySecond} questions a second`);
  const unknown = asksPerSecond(40_000, { bytesPerSecond: undefined, hasOthers: false });
  assert.ok(unknown < 400, `where the bandwidth is not known: ${unknown} questions a second`);
});
