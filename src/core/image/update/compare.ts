import { attributesProtocol, subFilter } from "../filter.ts";
import type { ImageManifest } from "../manifest.ts";
import { type SeenTree, withoutDeepPaths } from "../tree.ts";
import { type Assessment, assess } from "./assessment.ts";
import { planUpdate, type UpdatePlan } from "./difference.ts";
import { type Comparison, comparisonLimits } from "./directive.ts";

/** A machine's tree, the contents in its object store, and the protocol of its agent. */
export type SeenState = {
  readonly have: SeenTree;
  readonly objects: readonly string[];
  readonly protocol: number;
};

/** The part of an image that a machine's tree is compared with. */
export type ComparedImage = Pick<ImageManifest, "filter" | "tree" | "attributes">;

/** Compares a machine's tree with an image; slow for a large tree. */
export function compareTree(
  { have: whole, objects, protocol }: SeenState,
  image: ComparedImage,
): { readonly plan: UpdatePlan; readonly assessment: Assessment } {
  const have = withoutDeepPaths(whole);
  const filter = subFilter(image.filter, protocol);
  const attributes = image.attributes === true && protocol >= attributesProtocol;
  const plan = planUpdate({ have, want: image.tree, filter, objects: new Set(objects), attributes });
  return { plan, assessment: assess(plan, { have, want: image.tree }) };
}

/** What a sub reports of its comparison with the manifest of this SHA-512. */
export function comparisonOf(
  manifest: string,
  { plan, assessment }: { readonly plan: UpdatePlan; readonly assessment: Assessment },
): Comparison {
  const { steps, missing } = plan;
  const isSmall = steps.length <= comparisonLimits.steps && missing.length <= comparisonLimits.missing;
  return isSmall ? { manifest, assessment, plan: { steps, missing } } : { manifest, assessment };
}
