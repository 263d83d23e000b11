import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../../tests/support/runs.ts";
import { ip } from "../../net/testing/addresses.ts";
import { checkFleet } from "../check.ts";
import type { MachineEvent } from "../event.ts";
import type { MachineId } from "../record.ts";
import {
  asked,
  birthOf,
  burnIn,
  hardware,
  healthy,
  id,
  issued,
  mac,
  place,
  taken,
  testFleet,
} from "../testing/test-fleet.ts";

const machineNumber = fc.integer({ min: 1, max: 4 });
const token = fc.constantFrom("a", "b", "c");
const networkEvent: fc.Arbitrary<MachineEvent> = fc.oneof(
  fc
    .record({
      n: machineNumber,
      nursery: fc.boolean(),
      stage: fc.constantFrom("firmware", "loader"),
      last: fc.integer({ min: 1, max: 6 }),
    })
    .map(({ n, nursery, stage, last }) => asked(n, { nursery, stage, address: ip(`10.77.0.${last}`) })),
  fc.tuple(machineNumber, token).map(([n, text]) => issued(n, text)),
  fc
    .tuple(machineNumber, token, fc.constantFrom("boot1", "boot2"), machineNumber)
    .map(([n, text, boot, by]) => taken(n, text, boot, by)),
  fc
    .tuple(machineNumber, fc.integer({ min: 0, max: 4 }), machineNumber)
    .map(([n, generation, unit]) => healthy(n, generation, unit)),
  fc
    .tuple(machineNumber, fc.subarray([1, 2, 3, 4]))
    .map(([n, nics]): MachineEvent => ({ kind: "hardwareScanned", id: id(n), hardware: hardware(...nics.map(mac)) })),
  fc
    .tuple(machineNumber, machineNumber)
    .map(([n, unit]): MachineEvent => ({ kind: "placed", id: id(n), placement: place(unit) })),
  fc.tuple(machineNumber, fc.constantFrom("passed", "failed", "skipped")).map(([n, verdict]) => burnIn(n, verdict)),
  machineNumber.map((n): MachineEvent => ({ kind: "subSeen", id: id(n), runningImage: "compute" })),
  machineNumber.map((n): MachineEvent => ({ kind: "stalled", id: id(n), reason: "r" })),
  machineNumber.map((n): MachineEvent => ({ kind: "resumed", id: id(n) })),
  machineNumber.map((n): MachineEvent => ({ kind: "failed", id: id(n), step: "s", reason: "r" })),
  fc
    .tuple(machineNumber, fc.constantFrom("offered", "kernelSent", "populated", "handedOver", "up"))
    .map(([n, phase]): MachineEvent => ({ kind: "phaseSeen", id: id(n), phase })),
);
const operatorEvent: fc.Arbitrary<MachineEvent> = fc.oneof(
  machineNumber.map((n): MachineEvent => ({ kind: "rebirthAsked", id: id(n), by: "op" })),
  machineNumber.map((n): MachineEvent => ({ kind: "cleanAsked", id: id(n), by: "op" })),
  machineNumber.map((n): MachineEvent => ({ kind: "rebirthCancelled", id: id(n), by: "op" })),
  machineNumber.map((n): MachineEvent => ({ kind: "conditionSet", id: id(n), condition: "hold", reason: "r" })),
  machineNumber.map((n): MachineEvent => ({ kind: "conditionCleared", id: id(n), condition: "hold" })),
);

/** Births that go through, woven into the noise: pure noise seldom reaches `healthy`. */
const noise = (event: fc.Arbitrary<MachineEvent>) =>
  fc
    .array(
      fc.oneof(
        { weight: 6, arbitrary: event.map((one) => [one]) },
        {
          weight: 1,
          arbitrary: fc.tuple(machineNumber, fc.integer({ min: 1, max: 4 })).map(([n, g]) => birthOf(n, g)),
        },
      ),
      { maxLength: 60 },
    )
    .map((groups) => groups.flat());

describe("what no sequence of events can do", () => {
  test("the network alone never gets an order to install a healthy machine, and none at all once its system ran", () => {
    fc.assert(
      fc.property(noise(networkEvent), (events) => {
        const world = testFleet();
        const wasHealthy = new Set<MachineId>();
        const ran = new Set<MachineId>();
        for (const event of events) {
          const decision = world.apply(event);
          if ((event.kind === "orderIssued" || event.kind === "orderTaken") && decision.kind === "changed") {
            const { id: ordered, order } = decision.machine;
            const resumes = order?.action === "resume" && !ran.has(ordered);
            assert.ok(resumes || !wasHealthy.has(ordered), `${event.kind} for a machine that was healthy`);
          }
          if (event.kind === "subSeen" && event.runningImage !== undefined && decision.kind === "changed")
            ran.add(decision.machine.id);
          for (const machine of world.list()) if (machine.state === "healthy") wasHealthy.add(machine.id);
          for (const before of wasHealthy) {
            assert.equal(world.list().find((machine) => machine.id === before)?.state, "healthy");
          }
        }
      }),
      { numRuns: runs(400) },
    );
  });

  test("no name, address or NIC is held twice, and no fleet becomes inconsistent", () => {
    fc.assert(
      fc.property(
        noise(fc.oneof({ weight: 5, arbitrary: networkEvent }, { weight: 1, arbitrary: operatorEvent })),
        (events) => {
          const world = testFleet();
          for (const event of events) world.apply(event);
          assert.deepEqual(checkFleet(world.list()), []);
        },
      ),
      { numRuns: runs(400) },
    );
  });

  test("a machine whose order was taken becomes healthy only by its own request, never by a cancel", () => {
    fc.assert(
      fc.property(
        noise(fc.oneof({ weight: 3, arbitrary: networkEvent }, { weight: 2, arbitrary: operatorEvent })),
        (events) => {
          const world = testFleet();
          const begun = new Set<MachineId>();
          for (const event of events) {
            const decision = world.apply(event);
            if (decision.kind !== "changed") continue;
            const { id: changed, state, order } = decision.machine;
            if (event.kind === "orderTaken" && order?.action !== "resume") begun.add(changed);
            if (event.kind === "becameHealthy") begun.delete(changed);
            assert.ok(!(begun.has(changed) && state === "healthy"), `${event.kind} made ${changed} healthy`);
          }
        },
      ),
      { numRuns: runs(400) },
    );
  });

  test("a generation is installed at most once, and revisions only grow", () => {
    fc.assert(
      fc.property(
        noise(fc.oneof({ weight: 4, arbitrary: networkEvent }, { weight: 1, arbitrary: operatorEvent })),
        (events) => {
          const world = testFleet();
          const installed = new Set<string>();
          for (const event of events) {
            const before = "id" in event ? world.list().find((machine) => machine.id === event.id) : undefined;
            const decision = world.apply(event);
            const { machine } = decision;
            if (before !== undefined && machine !== undefined && machine !== before) {
              assert.equal(machine.revision, before.revision + 1);
              assert.ok(machine.generation >= before.generation);
            }
            if (machine?.state !== "healthy" || before === undefined || before.state === "healthy") continue;
            if (event.kind === "rebirthCancelled") continue;
            const life = `${machine.id} ${machine.generation}`;
            assert.ok(!installed.has(life), `${life} was installed twice`);
            installed.add(life);
          }
        },
      ),
      { numRuns: runs(400) },
    );
  });
});
