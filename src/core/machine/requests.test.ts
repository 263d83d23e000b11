import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../tests/support/runs.ts";
import { ip } from "../net/testing/addresses.ts";
import type { MachineEvent } from "./event.ts";
import { responsesTo } from "./life/boot.ts";
import type { Machine } from "./record.ts";
import { asksAgain, countedMs } from "./requests.ts";
import { asked, healthy, id, issued, taken, testFleet } from "./testing/test-fleet.ts";

type PxeAsked = Extract<MachineEvent, { kind: "pxeAsked" }>;
const asks = (more: Partial<PxeAsked> = {}) => asked(1, more) as PxeAsked;

const atDisk = { answer: "local: bootFileRefused", nursery: true } as const;
const birth: readonly MachineEvent[] = [asks({ address: ip("10.9.0.5") })];
const restarted: readonly MachineEvent[] = [
  ...[asks(), issued(1), taken(1), healthy(1, 1)],
  ...[{ kind: "subSeen", id: id(1), runningImage: "compute" } as const, asks(atDisk)],
];
const rows: readonly (readonly [
  title: string,
  before: readonly MachineEvent[],
  next: PxeAsked,
  afterMs: number,
  again: boolean,
])[] = [
  ["the REQUEST after a DISCOVER", birth, asks({ address: ip("10.9.0.5") }), 0, true],
  ["the next start of a machine that waits for its birth, a moment later", birth, asks(), 5000, true],
  ["the same, when it was silent for long", birth, asks(), countedMs, false],
  ["another stage", birth, asks({ stage: "loader", answer: "script" }), 0, false],
  ["another answer", birth, asks({ answer: "none" }), 0, false],
  ["the answer is withheld", birth, asks({ withheld: true }), 0, false],
  ["another wire", birth, asks({ network: "row7" }), 0, false],
  ["by another firmware", birth, asks({ firmware: "uefi" }), 0, false],
  ["another address", birth, asks({ address: ip("10.9.0.6") }), 0, false],
  ["a new attempt, when its loader was sent", [...birth, seen("loaderSent")], asks(), 0, false],
  ["one of a machine that restarts, in the same boot", restarted, asks(atDisk), 0, true],
  [
    "a restart of a machine that is up",
    [...restarted, { kind: "subSeen", id: id(1), runningImage: "compute" }],
    asks(atDisk),
    0,
    false,
  ],
  ["one of a machine that was told to be born anew", [...restarted, rebirth()], asks(), 0, false],
];

function seen(phase: "loaderSent"): MachineEvent {
  return { kind: "phaseSeen", id: id(1), phase };
}
function rebirth(): MachineEvent {
  return { kind: "rebirthAsked", id: id(1), by: "op" };
}

for (const [title, before, next, afterMs, again] of rows)
  test(`${again ? "only counted" : "recorded at once"}: ${title}`, () => {
    const world = testFleet();
    world.all(...before);
    assert.equal(asksAgain(world.get(1), next, world.nowMs() + afterMs), again);
  });

/** What can happen to a machine, in an order that makes sense or not. */
const happening = fc.oneof(
  fc.record({
    stage: fc.constantFrom("firmware", "loader"),
    answer: fc.constantFrom("loader", "script", "local: bootFileRefused", "none"),
    network: fc.constantFrom("rack", "row7"),
    nursery: fc.boolean(),
    ...{ address: fc.option(fc.constantFrom(ip("10.9.0.5"), ip("10.9.0.6")), { nil: undefined }), tally: fc.boolean() },
  }),
  fc.constantFrom<readonly MachineEvent[]>(
    [issued(1), taken(1), healthy(1, 1)],
    [seen("loaderSent")],
    [{ kind: "subSeen", id: id(1), runningImage: "compute" }],
    [rebirth()],
    [{ kind: "retired", id: id(1), by: "op" }],
  ),
  fc.integer({ min: 1, max: 30_000 }),
);

test("requests counted first and recorded later leave the same record as requests recorded at once", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const notified = testFleet();
      const counted = testFleet();
      let sum = { requests: 0, responses: 0, lastAtMs: 0 };
      const flush = () => {
        if (sum.requests === 0) return;
        counted.later(-10);
        counted.apply({ kind: "pxeAskedAgain", id: id(1), ...sum });
        sum = { requests: 0, responses: 0, lastAtMs: 0 };
      };
      for (const happened of happenings) {
        if (typeof happened === "number") {
          notified.later(happened);
          counted.later(happened);
          if (happened > countedMs) flush();
        } else if (Array.isArray(happened)) {
          for (const event of happened as readonly MachineEvent[]) {
            notified.apply(event);
            counted.apply(event);
          }
        } else {
          const { tally, address, ...asking } = happened as Exclude<typeof happened, number | readonly MachineEvent[]>;
          const event = asks({ ...asking, ...(address === undefined ? {} : { address }) });
          notified.apply(event);
          const machine = counted.find(id(1));
          const nowMs = counted.nowMs() + 10;
          if (machine === undefined || !asksAgain(machine, event, nowMs)) counted.apply(event);
          else {
            counted.later(10);
            const { requests, responses } = sum;
            sum = { requests: requests + 1, responses: responses + responsesTo(event), lastAtMs: nowMs };
            if (tally) flush();
          }
        }
      }
      flush();
      assert.deepEqual(counted.list().map(withoutRevision), notified.list().map(withoutRevision));
    }),
    { numRuns: runs(2000) },
  );
});

function withoutRevision({ revision: _counted, ...machine }: Machine) {
  return machine;
}
