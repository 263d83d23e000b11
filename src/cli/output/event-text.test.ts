import assert from "node:assert/strict";
import { test } from "node:test";
import { briefOf, type EventView } from "../../contract/operator/views.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import { eventCells } from "./event-text.ts";
import { formatTimeZone } from "./figures.ts";

const machine = briefOf(testMachine("birth"));
const factsOf = (event: EventView) => eventCells({ position: 1, atMs: 0, event, machine }).at(-1);

const rows: readonly (readonly [event: EventView, facts: string])[] = [
  [
    { kind: "phaseSeen", id: "m-1", phase: "placed", durationMs: 23_310, order: { generation: 1, action: "birth" } },
    "phase placed, duration 23 s, order generation 1 action birth",
  ],
  [
    {
      kind: "subSeen",
      id: "m-1",
      upToDate: false,
      agent: { version: "a1", rejected: { version: "b2", reason: "hangs" } },
    },
    "upToDate false, agent version a1 rejected version b2 reason hangs",
  ],
  [{ kind: "burnInDone", id: "m-1", report: { verdict: "passed", results: [] } }, "verdict passed"],
  [
    {
      kind: "placed",
      id: "m-1",
      placement: { hostname: "r01u07", address: "10.77.64.71", switchName: "tor-1", port: "swp7" },
    },
    "r01u07 10.77.64.71 at tor-1 swp7",
  ],
  [
    { kind: "detailsSet", id: "m-1", sizeBytes: 1024, disks: [{ sinceMs: 0, sizeBytes: 2048 }] },
    "size 1.0 KiB, disks since 0 ms size 2.0 KiB",
  ],
  [{ kind: "detailsSet", id: "m-1", groups: ["a", "b"], empty: null }, "groups a b, empty null"],
];
for (const [event, facts] of rows) {
  test(`the facts of ${event.kind} are words, whatever their structure`, () => assert.equal(factsOf(event), facts));
}

test("milliseconds since 1970 are a time, whatever the name of the member", () => {
  const atMs = 1_800_000_000_000;
  const facts = factsOf({
    kind: "detailsSet",
    id: "m-1",
    condition: { kind: "hold", sinceMs: atMs },
    last: [{ untilMs: atMs }],
  });
  assert.equal(facts, `condition kind hold since ${formatTimeZone(atMs)}, last until ${formatTimeZone(atMs)}`);
});
