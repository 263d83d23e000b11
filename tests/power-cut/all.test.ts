import assert from "node:assert/strict";
import { test } from "node:test";
import { insideNamespace } from "../support/inside-namespace.ts";
import { addVersions } from "./images.ts";
import { birth, installation, makeInstalled, update } from "./lives.ts";
import { birthPoints, faults, firstImagePoints, kernelPoints, type Point, updatePoints } from "./points.ts";
import { openRig } from "./rig.ts";
import { disturb, type Life } from "./trial.ts";

/** A clean has no burn-in, and its write test does not run. */
const cleanPoints = birthPoints.filter(({ title }) => !title.includes('"burn-in"'));

const matrix: readonly (readonly [Life, readonly Point[]])[] = [
  [birth, [...birthPoints, ...firstImagePoints]],
  [installation("rebirth"), [...birthPoints, ...firstImagePoints]],
  [installation("clean"), [...cleanPoints, ...firstImagePoints]],
  [update("an update of the image", "compute/2"), updatePoints],
  [update("a change of the kernel", "compute/3"), kernelPoints],
];

/**
 * `POWER_CUT_EVERY=10` tries every tenth trial of the matrix; `POWER_CUT_FROM=3` begins with the third. The faults take turns, so a
 * multiple of their number tries always the same one.
 */
const every = Number(process.env.POWER_CUT_EVERY ?? 1);
const from = Number(process.env.POWER_CUT_FROM ?? 1);

await insideNamespace(import.meta.url, () => {
  test("power, server and network are cut at every step, and every machine comes up without a person", async (t) => {
    await using rig = await openRig();
    // A server that finds several versions at its first start takes the newest for the current one: it must find one.
    await rig.startServer();
    await rig.killServer();
    await addVersions(rig.state);
    await rig.save("new");
    await makeInstalled(rig);
    const trials = matrix
      .flatMap(([life, points]) => points.flatMap((point) => faults.map((fault) => ({ life, point, fault }))))
      .filter((_, n) => n >= from - 1 && (n - from + 1) % every === 0);
    const stuck: string[] = [];
    for (const [n, { life, point, fault }] of trials.entries()) {
      const title = `${fault} ${point.title}, ${life.title}`;
      const beganMs = performance.now();
      await disturb(rig, life, point, fault).catch((error: unknown) => {
        stuck.push(`${title}: ${error}`);
        // At once: the whole matrix takes hours.
        process.stderr.write(`${title}: ${error}\n`);
      });
      const tried = n + 1;
      const seconds = Math.round((performance.now() - beganMs) / 1000);
      t.diagnostic(`${tried} of ${trials.length} tried, ${tried - stuck.length} converged; ${title}: ${seconds} s`);
      process.stderr.write(`${tried}/${trials.length} ${stuck.length} stuck: ${title}: ${seconds} s\n`);
    }
    assert.deepEqual(stuck, []);
  });
});
