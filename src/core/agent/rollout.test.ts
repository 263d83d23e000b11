import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MachineId } from "../machine/record.ts";
import { type AgentRollout, beginRollout, mayTry, rolloutLimits, rolloutStep } from "./rollout.ts";
import type { AgentReport } from "./version.ts";

const version = "2".repeat(32);
const former: AgentReport = { version: "1".repeat(32) };
const upgraded: AgentReport = { version };
const rejecting: AgentReport = { ...former, rejected: { version, reason: "it hangs" } };
const id = (n: number) => `m-${String(n).padStart(12, "0")}` as MachineId;
const fleet = Array.from({ length: 100 }, (_, n) => id(n));

/** Offers the version to the whole fleet in turn; returns the machines that got the offer. */
function offer(
  rollout: AgentRollout,
  nowMs = 0,
): { readonly rollout: AgentRollout; readonly offered: readonly MachineId[] } {
  let now = rollout;
  const offered: MachineId[] = [];
  for (const each of fleet) {
    if (now.confirmed.has(each) || now.trying.has(each) || !mayTry(now, each, nowMs)) continue;
    now = rolloutStep(now, each, { kind: "offered" }, nowMs);
    offered.push(each);
  }
  return { rollout: now, offered };
}

function seen(rollout: AgentRollout, ids: readonly MachineId[], agent: AgentReport): AgentRollout {
  return ids.reduce((now, each) => rolloutStep(now, each, { kind: "seen", agent }, 0), rollout);
}

describe("the rollout of an agent", () => {
  test("one machine first, then as many as have confirmed: the number of upgraded machines doubles", () => {
    let rollout = beginRollout(version, []);
    const waves: number[] = [];
    for (let left = 9; left > 0; left -= 1) {
      const wave = offer(rollout);
      waves.push(wave.offered.length);
      rollout = seen(wave.rollout, wave.offered, upgraded);
    }
    assert.deepEqual(waves, [1, 1, 2, 4, 8, 16, 32, 36, 0]);
  });

  test("a machine that rejects it stops the rollout, until it is reinstalled", () => {
    const { rollout, offered } = offer(beginRollout(version, []));
    const stopped = seen(rollout, offered, rejecting);
    assert.deepEqual(offer(stopped).offered, []);
    assert.deepEqual(offer(seen(stopped, offered, former)).offered.length, 1);
  });

  test("a machine that got the offer may get it again: the answer may have been lost", () => {
    const { rollout, offered } = offer(beginRollout(version, []));
    assert.ok(offered.every((each) => mayTry(rollout, each, 0)));
    assert.ok(!mayTry(rollout, id(50), 0));
  });

  test("a machine that never came back lets another one try; two stop the rollout", () => {
    const first = offer(beginRollout(version, []));
    const second = offer(first.rollout, rolloutLimits.silentMs);
    assert.equal(second.offered.length, 1);
    assert.deepEqual(offer(second.rollout, 2 * rolloutLimits.silentMs).offered, []);
  });

  test("a machine that could not place it is left alone for some time, and another one tries", () => {
    const { rollout, offered } = offer(beginRollout(version, []));
    const [first = id(0)] = offered;
    const failed = rolloutStep(rollout, first, { kind: "failed" }, 0);
    assert.ok(!mayTry(failed, first, rolloutLimits.retryMs - 1));
    assert.ok(mayTry(failed, first, rolloutLimits.retryMs));
    assert.ok(mayTry(failed, id(1), 0));
  });

  test("a server that restarts knows from the records how far the rollout was, and what stopped it", () => {
    const records = fleet.slice(0, 8).map((each) => ({ id: each, agent: upgraded }));
    assert.equal(offer(beginRollout(version, records)).offered.length, 8);
    assert.equal(offer(beginRollout(version, [...records, { id: id(9), agent: rejecting }])).offered.length, 0);
  });

  test("a poll without news leaves the rollout as it is", () => {
    const rollout = seen(beginRollout(version, []), [id(1)], upgraded);
    assert.equal(seen(rollout, [id(1)], upgraded), rollout);
    assert.equal(seen(rollout, [id(2)], former), rollout);
  });
});
