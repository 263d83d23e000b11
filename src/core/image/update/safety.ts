import type { ImageSummary } from "../manifest.ts";
import type { Assessment } from "./assessment.ts";

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
  readonly image: ImageSummary;
  readonly assessment: Assessment;
  readonly running: "birth" | "image";
}): string | undefined {
  const { image, running } = update;
  const { lacks, removed, entries } = update.assessment;
  if (running === "birth") return undefined;
  const lost = image.lacks.filter((what) => !lacks.includes(what));
  if (lost.length > 0) return `${image.name} takes from the machine ${lost.join(", ")}`;
  if (removed < leastRemoved || removed <= entries * removalLimit) return undefined;
  return `${image.name} removes ${removed} of the machine's ${entries} paths`;
}
