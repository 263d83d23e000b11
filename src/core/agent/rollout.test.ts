import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MachineId } from "../machine/record.ts";
import { type AgentOutcome, type AgentTrial, mayTry, outcomeOf, rolloutLimits } from "./rollout.ts";
import type { AgentReport } from "./version.ts";

const version = "2".repeat(32);
const former: AgentReport = { version: "1".repeat(32) };
const id = (n: number) => `m-${String(n).padStart(12, "0")}` as MachineId;
const trial = (n: number, sinceMs = 0): AgentTrial => ({ machine: id(n), sinceMs });

/** The machines of a fleet that get the offer now, if each is asked in turn. */
function offered(machines: number, state: { confirmed: number; rejected?: number; trials?: readonly AgentTrial[] }) {
  const { confirmed, rejected = 0 } = state;
  const trials = [...(state.trials ?? [])];
  const before = trials.length;
  for (let n = confirmed; n < machines; n += 1)
    if (mayTry({ confirmed, rejected, trials }, id(n), 0)) trials.push(trial(n));
  return trials.length - before;
}

describe("the rollout of an agent", () => {
  test("one machine first, then as many as have confirmed: the number of upgraded machines doubles", () => {
    const waves: number[] = [];
    let confirmed = 0;
    for (let left = 9; left > 0; left -= 1) {
      const wave = offered(100, { confirmed });
      waves.push(wave);
      confirmed += wave;
    }
    assert.deepEqual(waves, [1, 1, 2, 4, 8, 16, 32, 36, 0]);
    assert.equal(offered(9000, { confirmed: 5000 }), rolloutLimits.atOnce);
  });

  test("a machine that rejects it stops the rollout", () => {
    assert.equal(offered(100, { confirmed: 8, rejected: 1 }), 0);
  });

  test("a machine that got the offer may get it again: the answer may have been lost", () => {
    const rollout = { confirmed: 0, rejected: 0, trials: [trial(1)] };
    assert.deepEqual([mayTry(rollout, id(1), 0), mayTry(rollout, id(50), 0)], [true, false]);
  });

  test("a machine that never came back lets another one try; two stop the rollout", () => {
    const later = rolloutLimits.silentMs;
    const rollout = { confirmed: 0, rejected: 0, trials: [trial(1)] };
    assert.equal(mayTry(rollout, id(2), later - 1), false);
    assert.equal(mayTry(rollout, id(2), later), true);
    const two = { ...rollout, trials: [trial(1), trial(2, later)] };
    assert.equal(mayTry(two, id(3), 2 * later), false);
    assert.equal(mayTry({ ...two, confirmed: 3 }, id(3), 2 * later), true);
  });

  const outcomes: readonly (readonly [AgentReport | undefined, AgentOutcome])[] = [
    [undefined, "neither"],
    [former, "neither"],
    [{ version }, "confirmed"],
    [{ ...former, rejected: { version, reason: "it hangs" } }, "rejected"],
    [{ version, rejected: { version: former.version, reason: "it hangs" } }, "confirmed"],
  ];
  for (const [agent, outcome] of outcomes)
    test(`an agent that says ${JSON.stringify(agent)}: ${outcome}`, () => {
      assert.equal(outcomeOf(agent, version), outcome);
    });
});
