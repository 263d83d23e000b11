import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition } from "../machine/condition.ts";
import type { Machine, MachineId } from "../machine/record.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import type { Store } from "../ports.ts";
import { openWaitingNotes } from "./waiting-notes.ts";

const id = "m-525400000001" as MachineId;

/** How often the record of a machine is written that asks every five minutes for ten hours, and always hears another place. */
function writes(estimatedSecondsAt: (leftSeconds: number) => number | undefined): number {
  let machine: Machine = testMachine("healthy", { id });
  let [nowMs, written] = [0, 0];
  const apply: Store["apply"] = async (event) => {
    assert.ok(event.kind === "conditionSet");
    written += 1;
    const condition: Condition = { kind: "waiting", reason: event.reason, sinceMs: nowMs };
    machine = { ...machine, conditions: [condition] };
    return { kind: "changed", machine };
  };
  const store = { get: () => machine, list: () => [machine], apply };
  const notes = openWaitingNotes({ store, clock: { monotonicMs: () => nowMs }, log: () => assert.fail() });
  for (let left = 36_000; left > 0; left -= 300) {
    notes.waits(id, {
      ...{ reason: `${left} s left`, retryAfterSeconds: 300, estimatedSeconds: estimatedSecondsAt(left) },
    });
    const shown = Number.parseInt(machine.conditions[0]?.kind === "waiting" ? machine.conditions[0].reason : "", 10);
    assert.ok(estimatedSecondsAt(left) === undefined || shown <= left * 1.2 + 300, `${shown} s shown, ${left} s left`);
    nowMs += 300_000;
  }
  return written;
}

test("the place of a machine that waits for hours is written each time a tenth of the time has passed", () => {
  assert.equal(
    writes(() => undefined),
    120,
  );
  const long = writes((left) => left);
  assert.ok(long >= 20 && long <= 60, `${long} writes`);
});
