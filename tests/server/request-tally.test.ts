import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { openRequestTally } from "../../src/boot-server/dhcp/request-tally.ts";
import type { MachineEvent } from "../../src/core/machine/event.ts";
import type { MachineId } from "../../src/core/machine/record.ts";
import { countedMs } from "../../src/core/machine/requests.ts";
import { asked, id, testFleet } from "../../src/core/machine/testing/test-fleet.ts";

type PxeAsked = Extract<MachineEvent, { kind: "pxeAsked" }>;

/** A tally over a fleet in memory, whose database can fail. */
function startTally() {
  const world = testFleet();
  const applied: MachineEvent[] = [];
  const lines: string[] = [];
  const state = { broken: false };
  const tally = openRequestTally({
    store: {
      get: (wanted: MachineId) => world.find(wanted),
      apply: async (event) => {
        if (state.broken) throw new Error("no room left on the disk");
        applied.push(event);
        return world.apply(event);
      },
    },
    clock: { nowMs: world.nowMs, monotonicMs: world.nowMs },
    log: (level, message, facts) => void lines.push(`${level} ${message} ${JSON.stringify(facts)}`),
  });
  const ask = (n: number) => tally.counts(world.get(n), asked(n) as PxeAsked);
  const pass = async (ms: number) => {
    world.later(ms);
    mock.timers.tick(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { world, tally, applied, lines, state, ask, pass };
}

test("a thousand requests become one history entry, with a complete count", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { world, tally, applied, ask, pass } = startTally();
    world.all(asked(1), asked(2));
    for (let n = 0; n < 1000; n += 1) assert.ok(ask(1));
    assert.ok(ask(2));
    await pass(countedMs - 1000);
    assert.deepEqual([applied.length, world.get(1).pxe.requests], [0, 1]);
    await pass(2000);
    assert.deepEqual([applied.length, world.get(1).pxe.requests, world.get(2).pxe.responses], [2, 1001, 2]);
    await tally[Symbol.asyncDispose]();
    assert.equal(applied.length, 2);
  } finally {
    mock.timers.reset();
  }
});

test("a busy database gets a pause of nine times the last write before more counts come", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { world, tally, applied, ask, pass } = startTally();
    const machines = Array.from({ length: 250 }, (_, n) => n + 1);
    world.all(...machines.map((n) => asked(n)));
    for (const n of machines) ask(n);
    // Each change advances this fleet's clock by 10 ms.
    await pass(countedMs);
    assert.equal(applied.length, 200);
    await pass(200 * 10 * 9 - 1);
    assert.equal(applied.length, 200);
    await pass(1);
    assert.equal(applied.length, 250);
    await tally[Symbol.asyncDispose]();
  } finally {
    mock.timers.reset();
  }
});

test("pending counts are written on a clean stop", async () => {
  const { world, tally, applied, ask } = startTally();
  world.all(asked(1), asked(2));
  ask(1);
  ask(1);
  await tally[Symbol.asyncDispose]();
  assert.deepEqual(
    applied.map((event) => event.kind === "pxeAskedAgain" && [event.id, event.requests, event.responses]),
    [[id(1), 2, 2]],
  );
  assert.equal(world.get(1).pxe.lastRequestAtMs, world.nowMs() - 10);
});

test("a request with new facts is not counted here", async () => {
  const { world, tally } = startTally();
  world.all(asked(1));
  assert.equal(tally.counts(world.get(1), asked(1, { stage: "loader", answer: "script" }) as PxeAsked), false);
  await tally[Symbol.asyncDispose]();
});

test("a failing database is logged with the number of lost requests, and does not block the shutdown", async () => {
  const { world, tally, lines, state, ask } = startTally();
  world.all(asked(1), asked(2));
  for (const n of [1, 1, 2]) ask(n);
  state.broken = true;
  await tally[Symbol.asyncDispose]();
  assert.match(lines.join("\n"), /^error writing counts of PXE requests failed.*"requests":3/);
});
