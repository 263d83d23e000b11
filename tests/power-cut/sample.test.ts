import assert from "node:assert/strict";
import { test } from "node:test";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { birth } from "./lives.ts";
import { firstImagePoints } from "./points.ts";
import { openRig } from "./rig.ts";
import { arrive, reach } from "./trial.ts";

const minuteMs = 60_000;
await insideNamespace(import.meta.url, () => {
  test("power lost in the first fetch, and back before the server: the machine resumes, with its root and its key", {
    timeout: 80 * minuteMs,
  }, async () => {
    await using rig = await openRig();
    const point = firstImagePoints.find(({ title }) => title === "300 ms into the fetch") ?? assert.fail();
    await rig.startServer();
    await birth.begin(rig);
    await reach(rig, point);
    // The whole site: the machine is back first, finds no server, and its disk has nothing but a loader yet.
    await rig.machine.kill();
    await rig.killServer();
    await rig.machine.powerOn();
    await waitFor("the loader on the disk to restart the machine", 1200, async () =>
      /no GRUB configuration on this disk; restarting/.test(await rig.consoleTail()) ? true : undefined,
    );
    await rig.startServer();
    const machine = await arrive(rig, birth);
    const phases = machine.timeline.map(({ phase }) => phase);
    assert.equal(phases.filter((phase) => phase === "keysMade").length, 1, "the disk was not erased again");
    assert.ok(phases.filter((phase) => phase === "handedOver").length >= 2, "the agent resumed");
    assert.equal(machine.storage?.encryption.kind, "luks2");
  });
});
