import assert from "node:assert/strict";
import { test } from "node:test";
import {
  batchLimit,
  emptySchedule,
  pace,
  sharedPace,
  stepWriteSchedule,
  type WriteEffect,
  type WriteEvent,
  type WriteSchedule,
} from "./write-schedule.ts";

type Row = readonly [event: WriteEvent["kind"], nowMs: number, effects: string, phase: string];

const text = (effect: WriteEffect) => ("count" in effect ? `${effect.kind} ${effect.count}` : effect.kind);

/** Runs events one after the other; each says what is to be done, and the phase, with the wake-up where there is one. */
function run(rows: readonly Row[], from: WriteSchedule = emptySchedule): WriteSchedule {
  let state = from;
  for (const [at, [kind, nowMs, effects, phase]] of rows.entries()) {
    const step = stepWriteSchedule(state, { kind }, nowMs);
    const wake = step.wakeAtMs === undefined ? "" : ` until ${step.wakeAtMs}`;
    assert.deepEqual(
      [step.effects.map(text).join(", "), `${step.state.phase.kind}${wake}`],
      [effects, phase],
      `row ${at}: ${kind} at ${nowMs}`,
    );
    state = step.state;
  }
  return state;
}

const added = (count: number, phase: string): readonly Row[] =>
  Array.from({ length: count }, () => ["added", 0, "", phase]);

const scenarios: readonly (readonly [title: string, rows: readonly Row[], from?: Partial<WriteSchedule>])[] = [
  [
    "what arrives in one turn goes into one transaction",
    [
      ["added", 0, "awaitTurn", "collecting"],
      ["added", 0, "", "collecting"],
      ["turnEnded", 0, "write 2", "writing"],
      ["written", 3, "settle 2", "idle"],
    ],
  ],
  [
    "whoever asks one thing after the other never waits",
    [
      ["added", 0, "awaitTurn", "collecting"],
      ["turnEnded", 0, "write 1", "writing"],
      ["added", 1, "", "writing"],
      ["written", 1, "settle 1, write 1", "writing"],
      ["written", 2, "settle 1", "idle"],
    ],
  ],
  [
    "after a transaction of several the next waits for more to go along",
    [
      ["turnEnded", 0, "write 4", "writing"],
      ["added", 1, "", "writing"],
      ["written", 2, "settle 4", "pacing until 5"],
      ["added", 3, "", "pacing until 5"],
      ["woke", 4.9, "write 2", "writing"],
      ["written", 6, "settle 2", "idle"],
    ],
    { waiting: 4 },
  ],
  [
    "it does not wait once the time is over",
    [
      ["turnEnded", 0, "write 4", "writing"],
      ["added", 1, "", "writing"],
      ["written", 5, "settle 4, write 1", "writing"],
    ],
    { waiting: 4 },
  ],
  [
    "it does not wait when enough wait",
    [
      ["turnEnded", 0, "write 4", "writing"],
      ...added(pace.unlessChanges - 1, "writing"),
      ["written", 1, `settle 4`, "pacing until 5"],
      ["added", 2, `write ${pace.unlessChanges}`, "writing"],
      ["added", 2, "", "writing"],
      ["written", 3, `settle ${pace.unlessChanges}`, "pacing until 7"],
      ["pollWanted", 4, "", "pacing until 7"],
      ["woke", 7, "write 1", "writing"],
    ],
    { waiting: 4 },
  ],
  [
    "where servers share a database, a transaction waits even after a single change or a look",
    [
      ["turnEnded", 0, "write 1", "writing"],
      ["pollWanted", 1, "", "writing"],
      ["written", 2, "settle 1", "pacing until 15"],
      ["pollWanted", 3, "", "pacing until 15"],
      ["woke", 15, "write 0", "writing"],
      ["written", 17, "", "idle"],
      ["pollWanted", 18, "awaitTurn", "collecting"],
      ["turnEnded", 23, "", "pacing until 30"],
      ["added", 24, "", "pacing until 30"],
      ["woke", 30, "write 1", "writing"],
    ],
    { waiting: 1, pace: sharedPace },
  ],
  [
    "a batch has a limit",
    [
      ["turnEnded", 0, `write ${batchLimit}`, "writing"],
      ["written", 9, `settle ${batchLimit}, write 3`, "writing"],
    ],
    { waiting: batchLimit + 3 },
  ],
  [
    "a look at what others wrote needs no change that waits",
    [
      ["pollWanted", 0, "awaitTurn", "collecting"],
      ["turnEnded", 0, "write 0", "writing"],
      ["pollWanted", 0, "", "writing"],
      ["written", 1, "write 0", "writing"],
      ["written", 2, "", "idle"],
    ],
  ],
  [
    "what was overtaken is tried again",
    [
      ["turnEnded", 0, "write 2", "writing"],
      ["overtaken", 1, "write 2", "writing"],
    ],
    { waiting: 2 },
  ],
  [
    "of several that are refused together one is, and the others are written",
    [
      ["turnEnded", 0, "write 3", "writing"],
      ["refused", 1, "reload", "reloading"],
      ["added", 1, "", "reloading"],
      ["reloaded", 2, "write 1", "writing"],
      ["written", 3, "settle 1, write 1", "writing"],
      ["refused", 4, "reject 1, reload", "reloading"],
      ["reloaded", 5, "write 1", "writing"],
      ["written", 6, "settle 1, write 1", "writing"],
      ["written", 7, "settle 1", "idle"],
    ],
    { waiting: 3 },
  ],
  [
    "when the database cannot be asked, all that waits is lost, and the next is tried",
    [
      ["turnEnded", 0, "write 3", "writing"],
      ["added", 1, "", "writing"],
      ["failed", 1, "giveUp", "idle"],
      ["added", 2, "awaitTurn", "collecting"],
      ["turnEnded", 2, "write 1", "writing"],
      ["pollWanted", 3, "", "writing"],
      ["failed", 3, "giveUp, write 0", "writing"],
    ],
    { waiting: 3 },
  ],
  [
    "a reload that fails loses all that waits, and nothing is careful any more",
    [
      ["turnEnded", 0, "write 2", "writing"],
      ["refused", 1, "reload", "reloading"],
      ["failed", 2, "giveUp", "idle"],
      ["added", 3, "awaitTurn", "collecting"],
      ["added", 3, "", "collecting"],
      ["turnEnded", 3, "write 2", "writing"],
    ],
    { waiting: 2 },
  ],
  [
    "a late timer begins nothing",
    [
      ["woke", 0, "", "idle"],
      ["added", 0, "awaitTurn", "collecting"],
      ["woke", 0, "", "collecting"],
    ],
  ],
];
for (const [title, rows, from] of scenarios)
  test(`write schedule: ${title}`, () => {
    const phase = from === undefined ? emptySchedule.phase : ({ kind: "collecting" } as const);
    run(rows, { ...emptySchedule, phase, ...from });
  });
