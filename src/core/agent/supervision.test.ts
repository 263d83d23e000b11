import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  beginSupervision,
  type StoredAgents,
  type Supervision,
  type SupervisionEvent,
  superviseAgents,
  supervisionLimits,
} from "./supervision.ts";

const v1 = "1".repeat(32);
const v2 = "2".repeat(32);
const trial = (attempts: number): StoredAgents["trial"] & {} => ({ version: v2, deadlineSeconds: 600, attempts });

/** What happened next, and how many seconds after what happened before. */
type Line = readonly [afterSeconds: number, event: SupervisionEvent];

const tick: SupervisionEvent = { kind: "tick", confirmed: undefined };
const confirmed: SupervisionEvent = { kind: "tick", confirmed: v2 };
/** A second has passed, and an agent gave a sign of life at this time (the clock begins at 1000). */
const seen = (aliveMs: number): SupervisionEvent => ({ kind: "tick", confirmed: undefined, aliveMs });
const ended = (status: number, stored: StoredAgents = {}): SupervisionEvent => ({
  ...{ kind: "ended", status, stored, confirmed: undefined },
});

/** Lets a supervisor live through this; tells its actions other than none, and the record that it saved last. */
function live(
  stored: StoredAgents,
  lines: readonly Line[],
): { readonly did: readonly string[]; readonly stored: StoredAgents; readonly state: Supervision } {
  let nowMs = 1000;
  let turn = beginSupervision(stored, undefined, nowMs);
  const did: string[] = [];
  const note = () => {
    const { action } = turn;
    if (action.kind === "start") did.push(`start ${action.version?.slice(0, 1) ?? "installed"}`);
    else if (action.kind === "kill") did.push("kill");
    else if (turn.save) did.push(`save ${action.kind}`);
  };
  note();
  for (const [afterSeconds, event] of lines) {
    nowMs += afterSeconds * 1000;
    turn = superviseAgents(turn.state, event, nowMs);
    note();
  }
  return { did, stored: turn.state.stored, state: turn.state };
}

const restart = supervisionLimits.restartMs / 1000;

describe("the supervisor of agents", () => {
  const rows: readonly (readonly [
    title: string,
    before: StoredAgents,
    lines: readonly Line[],
    did: readonly string[],
    after: StoredAgents,
  ])[] = [
    ["without a record the installed agent runs", {}, [[0, tick]], ["start installed"], {}],
    ["the current version runs", { current: v1 }, [[0, tick]], ["start 1"], { current: v1 }],
    [
      "an agent that ends is started again, after a pause",
      { current: v1 },
      [
        [0, tick],
        [100, ended(1, { current: v1 })],
        [restart - 1, tick],
        [1, tick],
      ],
      ["start 1", "start 1"],
      { current: v1 },
    ],
    [
      "an agent that gives no sign of life any more is killed and started again",
      { current: v1 },
      [
        [0, tick],
        [9, seen(10_000)],
        [599, seen(10_000)],
        [1, seen(10_000)],
        [60, seen(10_000)],
        [0, ended(9, { current: v1 })],
        [restart, seen(10_000)],
        [700, seen(10_000)],
      ],
      ["start 1", "kill", "start 1"],
      { current: v1 },
    ],
    [
      "a version that hangs after it has put the next one in place gives way to that",
      {},
      [
        [0, tick],
        [9, seen(10_000)],
        [600, seen(10_000)],
        [0, ended(9, { trial: trial(0) })],
        [0, tick],
      ],
      ["start installed", "kill", "start 2"],
      { trial: trial(1) },
    ],
    [
      "a version that gives no sign of life is left alone",
      { current: v1 },
      [
        [0, tick],
        [9000, tick],
      ],
      ["start 1"],
      { current: v1 },
    ],
    [
      "an agent that put a version in place ends, and the trial begins at once",
      { current: v1 },
      [
        [0, tick],
        [9, ended(0, { current: v1, trial: trial(0) })],
        [0, tick],
      ],
      ["start 1", "start 2"],
      { current: v1, trial: trial(1) },
    ],
    [
      "a trial that is confirmed becomes current",
      { current: v1, previous: "0".repeat(32), rejected: { version: v1, reason: "x" }, trial: trial(0) },
      [
        [0, tick],
        [30, tick],
        [1, confirmed],
      ],
      ["start 2", "save tidy"],
      { current: v2, previous: v1 },
    ],
    [
      "the confirmation of another version counts for nothing",
      { trial: trial(0) },
      [
        [0, tick],
        [9, { kind: "tick", confirmed: v1 }],
      ],
      ["start 2"],
      { trial: trial(1) },
    ],
    [
      "a trial that confirms and ends is confirmed",
      { trial: trial(0) },
      [
        [0, tick],
        [9, { ...ended(0), confirmed: v2 } as SupervisionEvent],
        [restart, tick],
      ],
      ["start 2", "save tidy", "start 2"],
      { current: v2 },
    ],
    [
      "a trial that hangs is killed at its deadline, and the former one runs",
      { current: v1, trial: trial(0) },
      [
        [0, tick],
        [599, tick],
        [1, tick],
        [1, confirmed],
        [0, ended(137)],
        [0, tick],
      ],
      ["start 2", "kill", "save tidy", "start 1"],
      { current: v1, rejected: { version: v2, reason: "it was not confirmed within 600 s" } },
    ],
    [
      "a trial that ends again and again is given up",
      { trial: trial(0) },
      [
        [0, tick],
        [1, ended(1)],
        [restart, tick],
        [1, ended(1)],
        [restart, tick],
        [1, ended(3)],
        [0, tick],
      ],
      ["start 2", "start 2", "start 2", "save tidy", "start installed"],
      { rejected: { version: v2, reason: "it ended 3 times before it was confirmed, at last with status 3" } },
    ],
    [
      "the deadline counts from the first start of a trial",
      { trial: trial(0) },
      [
        [0, tick],
        [595, ended(1)],
        [restart, tick],
        [0, tick],
      ],
      ["start 2", "save tidy", "start installed"],
      { rejected: { version: v2, reason: "it was not confirmed within 600 s" } },
    ],
    [
      "a trial that cannot be started is given up at once",
      { trial: trial(0) },
      [
        [0, tick],
        [1, ended(127)],
      ],
      ["start 2", "save tidy"],
      { rejected: { version: v2, reason: "it cannot be started" } },
    ],
    [
      "a trial with damaged files is given up at once",
      { current: v1, trial: trial(0) },
      [
        [0, tick],
        [0, { kind: "unusable", reason: "damaged" }],
        [0, tick],
      ],
      ["start 2", "save tidy", "start 1"],
      { current: v1, rejected: { version: v2, reason: "damaged" } },
    ],
    [
      "after a power cut a trial gets a second boot",
      { trial: trial(1) },
      [[0, tick]],
      ["start 2"],
      { trial: trial(2) },
    ],
    [
      "but no third one",
      { current: v1, trial: trial(2) },
      [[0, tick]],
      ["save tidy", "start 1"],
      {
        current: v1,
        rejected: { version: v2, reason: "its machine or supervisor restarted 2 times before it was confirmed" },
      },
    ],
    [
      "a current version with damaged files gives way to the one before",
      { current: v2, previous: v1 },
      [
        [0, tick],
        [0, { kind: "unusable", reason: "damaged" }],
        [0, tick],
      ],
      ["start 2", "save tidy", "start 1"],
      { current: v1, rejected: { version: v2, reason: "damaged" } },
    ],
    [
      "a current version that ends again and again gives way to the installed one",
      { current: v2 },
      [
        [0, tick],
        ...Array.from({ length: supervisionLimits.shortRuns - 1 }, (): readonly Line[] => [
          [1, ended(1, { current: v2 })],
          [restart, tick],
        ]).flat(),
        [1, ended(1, { current: v2 })],
        [0, tick],
      ],
      [...Array.from({ length: supervisionLimits.shortRuns }, () => "start 2"), "save tidy", "start installed"],
      { rejected: { version: v2, reason: "it ended 5 times soon after its start, at last with status 1" } },
    ],
    [
      "the installed agent is started again without end",
      {},
      [
        [0, tick],
        ...Array.from({ length: 9 }, (): readonly Line[] => [
          [1, ended(1)],
          [restart, tick],
        ]).flat(),
      ],
      Array.from({ length: 10 }, () => "start installed"),
      {},
    ],
  ];
  for (const [title, before, lines, did, after] of rows)
    test(title, () => {
      const lived = live(before, lines);
      assert.deepEqual(lived.did, did);
      assert.deepEqual(lived.stored, after);
    });

  test("a confirmation that a power cut kept from being recorded counts", () => {
    const { state, save } = beginSupervision({ current: v1, trial: trial(2) }, v2, 0);
    assert.deepEqual([state.stored, save], [{ current: v2, previous: v1 }, true]);
  });

  test("what is on the disk before a trial starts counts its attempt", () => {
    const begun = beginSupervision({ trial: trial(0) }, undefined, 0);
    const turn = superviseAgents(begun.state, tick, 0);
    assert.deepEqual(
      [turn.save, turn.state.stored.trial?.attempts, turn.action],
      [true, 1, { kind: "start", version: v2 }],
    );
  });

  test("tidying keeps what may run", () => {
    const { action } = beginSupervision({ current: v2, previous: v1 }, undefined, 0);
    assert.deepEqual(action, { kind: "tidy", keep: [v2, v1] });
  });
});
