import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Condition, conditionKinds } from "../condition.ts";
import type { MachineEvent } from "../event.ts";
import { phases } from "../phase.ts";
import type { Machine, MachineIn } from "../record.ts";
import { type MachineState, machineStates } from "../state.ts";
import { asked, hardware, healthy, id, issued, mac, place, taken, testFleet } from "../testing/test-fleet.ts";
import { testMachine } from "../testing/test-machine.ts";
import { defaultDeadlineSeconds, phaseWaitsFor } from "./deadlines.ts";
import { type WhyFacts, why } from "./waiting-for.ts";

const minuteMs = 60_000;
const condition = (kind: Condition["kind"], more: Partial<Condition> = {}): Condition => {
  return { kind, reason: `the reason of ${kind}`, sinceMs: 5000, ...more };
};
/** A machine in a state and phase, entered a second after its creation. */
function machineIn<S extends MachineState>(state: S, change: Partial<Omit<MachineIn<S>, "state">> = {}): MachineIn<S> {
  return testMachine(state, {
    ...{ id: id(1), macs: [mac(1)], lastSeenAtMs: 1000, hostname: "r01u01", network: "rack", requiredImage: "compute" },
    pxe: { requests: 3, responses: 3, lastRequestAtMs: 1000, lastAnswer: "loader" },
    ...change,
  });
}
const ask = (machine: Machine, facts: Partial<WhyFacts> = {}) =>
  why(machine, { nowMs: 2000, deadlineSeconds: defaultDeadlineSeconds, imageExists: true, ...facts });

describe("why, by phase", () => {
  for (const phase of phases) {
    const isBirth = phases.indexOf(phase) <= phases.indexOf("populated");
    const machine = machineIn(isBirth ? "birth" : "healthy", { phase, phaseAtMs: 1000 });
    const byMs = 1000 + defaultDeadlineSeconds[phase] * 1000;

    test(`${phase}: names what is missing, since when, by when, and the next step`, () => {
      const late = ask(machine, { nowMs: byMs });
      assert.equal(late.missing, phaseWaitsFor[phase].missing);
      assert.deepEqual([late.sinceMs, late.byMs, late.overdue], [1000, byMs, true]);
      assert.doesNotMatch(late.next, /NAME/);
      assert.ok(late.evidence.some((line) => line.startsWith(`phase ${phase}, entered`)));
    });
    test(`${phase}: in time it is not overdue`, () => {
      const early = ask(machine);
      assert.deepEqual([early.missing === undefined, early.overdue], [phase === "up", false]);
    });
  }
});

const expired: Partial<MachineIn<"birth">> = {
  order: { tokenHash: "", action: "birth", generation: 1, expiresAtMs: 1500 },
};
const unheard: Machine["pxe"] = { requests: 0, responses: 0, lastRequestAtMs: 0, lastAnswer: "" };
const unanswered: Machine["pxe"] = { requests: 4, responses: 0, lastRequestAtMs: 0, lastAnswer: "none" };
const rows: readonly (readonly [title: string, Machine, Partial<WhyFacts>, missing: RegExp, next: RegExp])[] = [
  [
    "retired",
    machineIn("unknown", { conditions: [condition("retired")] }),
    {},
    /releases it: it is retired/,
    /release r01u01/,
  ],
  ["held in its birth", machineIn("birth", { conditions: [condition("hold")] }), {}, /on hold/, /release r01u01/],
  [
    "announced, never seen",
    machineIn("unknown", { pxe: unheard, announced: { by: "op", atMs: 0 } }),
    {},
    /first PXE request/,
    /switch it on/,
  ],
  [
    "network not served",
    machineIn("birth"),
    { notServed: "another DHCP server" },
    /rack is served: another DHCP/,
    /birther networks/,
  ],
  ["never answered", machineIn("birth", { pxe: unanswered }), {}, /none of 4 was/, /listen/],
  [
    "seen outside a nursery",
    machineIn("unknown"),
    {},
    /PXE request on a nursery/,
    /nursery: true .*last seen on \(rack\)/,
  ],
  [
    "in a conflict",
    machineIn("birth", { conditions: [condition("conflict")] }),
    {},
    /conflict is resolved/,
    /advice in the conflict/,
  ],
  [
    "in the queue",
    machineIn("birth", { phase: "loaderSent", phaseAtMs: 1000, conditions: [condition("waiting")] }),
    {},
    /in the queue/,
    /uplinkMbps/,
  ],
  [
    "with an expired order",
    machineIn("birth", { phase: "kernelSent", phaseAtMs: 1000, ...expired }),
    {},
    /expired/,
    /reset it/,
  ],
  [
    "after a failed step",
    machineIn("birth", { phase: "burnIn", phaseAtMs: 1000, conditions: [condition("failing")] }),
    {},
    /next attempt/,
    /log r01u01/,
  ],
  ["announced with birth, seen once", machineIn("birth"), {}, /sends a PXE request/, /switch it on/],
  ["rebirth requested", machineIn("rebirth"), {}, /starts its rebirth/, /reset it; to cancel: birther cancel r01u01/],
  ["clean requested", machineIn("clean"), {}, /starts its clean/, /reset it/],
  [
    "without its image",
    machineIn("healthy", { phase: "handedOver", phaseAtMs: 1000 }),
    { imageExists: false },
    /image compute is imported/,
    /image import compute/,
  ],
  [
    "healthy, but its image does not start",
    machineIn("healthy", {
      phase: "rebooting",
      phaseAtMs: 1000,
      conditions: [condition("failing", { remedy: "rebirth" })],
    }),
    {},
    /starts its image/,
    /birther rebirth r01u01/,
  ],
  [
    "healthy, and a step of its update failed",
    machineIn("healthy", {
      phase: "updating",
      phaseAtMs: 1000,
      conditions: [condition("failing", { reason: "update: the unit rebirth.service does not start" })],
    }),
    {},
    /starts its image/,
    /birther log r01u01/,
  ],
  [
    "past a deadline, by stall detection",
    machineIn("healthy", { phase: "fetching", phaseAtMs: 1000, conditions: [condition("failing", { watched: true })] }),
    {},
    /all objects/,
    /log r01u01/,
  ],
  [
    "polls after its restart, but does not run its image",
    machineIn("healthy", { phase: "rebooting", phaseAtMs: 1000, lastSeenAtMs: 1500 }),
    {},
    /it polls, but does not run compute yet/,
    /log r01u01/,
  ],
  [
    "silent",
    machineIn("healthy", { phase: "up", phaseAtMs: 1000 }),
    { nowMs: 60 * minuteMs },
    /agent polls again/,
    /rebirth r01u01/,
  ],
];
describe("why, by obstacle", () => {
  for (const [title, machine, facts, missing, next] of rows)
    test(title, () => {
      const answer = ask(machine, facts);
      assert.match(answer.missing ?? "nothing", missing);
      assert.match(answer.next, next);
      for (const { reason } of machine.conditions) assert.match(answer.evidence.join("\n"), new RegExp(reason));
    });

  test("a machine that is up misses nothing, on hold or not; the answer names its image", () => {
    for (const conditions of [[], [condition("hold")], [condition("maintenance")]]) {
      const answer = ask(machineIn("healthy", { phase: "up", phaseAtMs: 1000, runningImage: "compute/3", conditions }));
      assert.deepEqual([answer.missing, answer.next], [undefined, "no action is needed: it is up and runs compute/3"]);
    }
  });

  test("evidence: the latest packets and log lines, and a disputed NIC", () => {
    const lines = Array.from({ length: 9 }, (_, n) => `line ${n}`);
    const { evidence } = ask(machineIn("birth", { disputedMacs: [mac(1)] }), { lines, packets: ["offer"] });
    assert.deepEqual(evidence.slice(-6), ["packet: offer", ...lines.slice(-5).map((line) => `log: ${line}`)]);
    assert.match(evidence.join("\n"), /another machine also has 02:00:00:00:00:01/);
  });
});

test("why has an answer for every combination of state, phase and condition", () => {
  for (const state of machineStates)
    for (const phase of [undefined, ...phases])
      for (const kind of [undefined, ...conditionKinds])
        for (const nowMs of [2000, 1e9]) {
          const seen = phase === undefined ? {} : { phase, phaseAtMs: 1000 };
          const machine = machineIn(state, { ...seen, conditions: kind === undefined ? [] : [condition(kind)] });
          const answer = ask(machine, { nowMs });
          assert.ok(answer.next.length > 0 && !answer.next.includes("NAME"));
          assert.ok(
            answer.missing !== undefined || (state === "healthy" && (phase === "up" || phase === undefined)),
            `${state} ${phase} ${kind}`,
          );
        }
});

test("why follows a birth from the first request to up", () => {
  const world = testFleet();
  const missing = () => ask(world.get(1), { nowMs: world.nowMs() }).missing;
  const steps: readonly (readonly [MachineEvent, RegExp])[] = [
    [asked(1), /fetches the boot loader/],
    [{ kind: "phaseSeen", id: id(1), phase: "loaderSent" }, /boot script and the kernel/],
    [issued(1), /boot script and the kernel/],
    [{ kind: "phaseSeen", id: id(1), phase: "kernelSent" }, /init has started/],
    [taken(1), /burn-in has ended/],
    [{ kind: "hardwareScanned", id: id(1), hardware: hardware(mac(1)) }, /burn-in has ended/],
    [{ kind: "phaseSeen", id: id(1), phase: "burnIn" }, /LLDP/],
    [{ kind: "placed", id: id(1), placement: place(1) }, /LLDP/],
    [{ kind: "phaseSeen", id: id(1), phase: "populated" }, /declared healthy/],
    [healthy(1, 1), /its agent starts/],
    [{ kind: "phaseSeen", id: id(1), phase: "handedOver" }, /permanent address/],
    [{ kind: "subSeen", id: id(1), runningImage: "compute" }, /^nothing$/],
  ];
  for (const [event, expected] of steps) {
    world.all(event);
    assert.match(missing() ?? "nothing", expected, event.kind);
  }
});
