import assert from "node:assert/strict";
import { test } from "node:test";
import { insideNamespace } from "../support/inside-namespace.ts";
import { birth } from "./lives.ts";
import { firstImagePoints } from "./points.ts";
import { openRig } from "./rig.ts";
import { arrive, disturb } from "./trial.ts";

const minuteMs = 60_000;
await insideNamespace(import.meta.url, () => {
  test("power lost in the first fetch, and back before the server: the machine resumes, with its root and its key", {
    timeout: 20 * minuteMs,
  }, async () => {
    await using rig = await openRig();
    await rig.save("new");
    const point = firstImagePoints.find(({ title }) => title === "300 ms into the fetch") ?? assert.fail();
    await disturb(rig, birth, point, "power");
    const machine = await arrive(rig, birth);
    const phases = machine.timeline.map(({ phase }) => phase);
    assert.equal(phases.filter((phase) => phase === "keysMade").length, 1, "the disk was not erased again");
    assert.equal(phases.filter((phase) => phase === "handedOver").length, 2, "the agent resumed");
    assert.equal(machine.storage?.encryption.kind, "luks2");
  });
});
