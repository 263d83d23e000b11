import assert from "node:assert/strict";
import { test } from "node:test";
import { releaseLine, restartLine, startWatching, stepLine, type WatchdogEvent, watchdogTurn } from "./watchdog.ts";

const tick: WatchdogEvent = { kind: "tick" };

/** The actions that a watchdog process takes when these events come at these times. */
function actions(events: readonly (readonly [nowMs: number, event: WatchdogEvent])[]): readonly string[] {
  let state = startWatching(0);
  return events.map(([nowMs, event]) => {
    const turn = watchdogTurn(state, event, nowMs);
    state = turn.state;
    return turn.action;
  });
}
function line(step: string, seconds: number): WatchdogEvent {
  return { kind: "line", text: stepLine(step, seconds) };
}

test("the hardware is petted while the step may still run, and never again after", () => {
  assert.deepEqual(
    actions([
      [0, line("partition", 10)],
      [9000, tick],
      [10_001, tick],
      [11_000, line("encrypt", 10)],
    ]),
    ["pet", "pet", "withhold", "withhold"],
  );
});

test("each step has its own time", () => {
  assert.deepEqual(
    actions([
      [0, line("a", 10)],
      [9000, line("b", 10)],
      [18_000, tick],
    ]),
    ["pet", "pet", "pet"],
  );
});

test("PID 1 must say something within a minute of the start", () => {
  assert.deepEqual(
    actions([
      [59_000, tick],
      [60_001, tick],
    ]),
    ["pet", "withhold"],
  );
});

test("over a restart the hardware waits for longer, but not for a PID 1 that does not come to it", () => {
  assert.deepEqual(
    actions([
      [0, { kind: "line", text: restartLine }],
      [59_000, tick],
      [60_001, tick],
    ]),
    ["allowRestart", "pet", "withhold"],
  );
});

test("released for good before the hand-over", () => {
  assert.deepEqual(
    actions([
      [0, { kind: "line", text: releaseLine }],
      [99_000_000, tick],
      [99_000_001, { kind: "closed" }],
    ]),
    ["release", "release", "release"],
  );
});

test("a PID 1 that is gone without a word is a hung one", () => {
  assert.deepEqual(
    actions([
      [0, line("a", 1000)],
      [1, { kind: "closed" }],
    ]),
    ["pet", "withhold"],
  );
});

for (const text of ["", "soon partition", "1234567 memory", "NaN memory", "-1 memory", "5"]) {
  test(`an unreadable line is a bug and must show: "${text}"`, () => {
    assert.deepEqual(
      actions([
        [0, line("a", 1000)],
        [500, { kind: "line", text }],
        [600, line("b", 1000)],
      ]),
      ["pet", "withhold", "withhold"],
    );
  });
}

test("a step's name is kept on one line", () => {
  assert.equal(stepLine("a\nb  c", 1.2), "2 a b c");
});
