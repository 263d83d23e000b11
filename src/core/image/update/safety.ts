import type { ImageManifest } from "../manifest.ts";
import { missingFromSystem } from "../system-check.ts";
import type { SeenTree } from "../tree.ts";
import type { UpdateStep } from "./update-step.ts";

/** An update that removes a larger part of a running machine's paths than this is stopped. */
const removalLimit = 1 / 2;
/** Fewer removals than this are no damage to a system, which has thousands of paths. */
const leastRemoved = 20;

/**
 * Why an update of a running machine must not begin until an operator forces it: it would lose its own init, shell,
 * C library or kernel, or more than half of its paths. Undefined where it is safe, and for a machine that has run no image
 * yet: nothing of value is on its disk. Asked before the first object is fetched.
 */
export function whyUnsafe(update: {
  readonly image: ImageManifest;
  readonly have: SeenTree;
  readonly steps: readonly UpdateStep[];
  readonly running: "birth" | "image";
}): string | undefined {
  const { image, have, steps, running } = update;
  if (running === "birth") return undefined;
  const missingNow = missingFromSystem(have);
  const lost = missingFromSystem(image.tree).filter((what) => !missingNow.includes(what));
  if (lost.length > 0) return `${image.name} takes from the machine ${lost.join(", ")}`;
  const wanted = new Set(image.tree.entries.map(([path]) => path));
  const removed = steps.filter(
    (step) => (step.kind === "removeFile" || step.kind === "removeDirectory") && !wanted.has(step.path),
  ).length;
  if (removed < leastRemoved || removed <= have.entries.length * removalLimit) return undefined;
  return `${image.name} removes ${removed} of the machine's ${have.entries.length} paths`;
}
