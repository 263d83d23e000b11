import type { ImageSummary } from "../manifest.ts";
import type { Assessment } from "./assessment.ts";

/** The largest part of the paths of root's on a running machine that an update may remove. */
const removalLimit = 1 / 2;
/** Fewer removals than this do no harm, because a system has thousands of paths. */
const leastRemoved = 20;

/**
 * Why an update of a running machine must not begin until an operator forces it: the machine would lose its init,
 * shell, C library or kernel, or more than half of root's paths. Undefined if the update is safe, and for a machine that
 * has not run an image yet, because its disk holds nothing of value. Checked before the first object is fetched.
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
  return `${image.name} removes ${removed} of root's ${entries} paths on the machine`;
}
