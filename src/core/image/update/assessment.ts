import { changesKernel } from "../boot/kernel-change.ts";
import { missingFromSystem } from "../system-check.ts";
import type { SeenTree, Tree } from "../tree.ts";
import type { Content, UpdatePlan } from "./difference.ts";

/** What a comparison of a machine's tree with an image found: all that the next directive depends on, without the bulk of the plan. */
export type Assessment = {
  /** Paths of the machine, protected ones included. */
  readonly entries: number;
  /** What the machine's tree lacks to start (`missingFromSystem`). */
  readonly lacks: readonly string[];
  readonly steps: number;
  /** Steps that remove a path which the image does not have. */
  readonly removed: number;
  /** What has to be fetched first; `diskBytes` in whole blocks. */
  readonly missing: { readonly objects: number; readonly bytes: number; readonly diskBytes: number };
  readonly kernelChanged: boolean;
  /** Wanted paths that a protected path blocks, at most `maxBlocked`. */
  readonly blocked: readonly string[];
};

/** More blocked paths than this are not named. */
export const maxBlocked = 100;

/** ext4's usual block. */
const blockBytes = 4096;

/** Assesses the plan that makes `want` out of `have`. */
export function assess(plan: UpdatePlan, { have, want }: { readonly have: SeenTree; readonly want: Tree }): Assessment {
  const wanted = new Set(want.entries.map(([path]) => path));
  const removed = plan.steps.filter(
    (step) => (step.kind === "removeFile" || step.kind === "removeDirectory") && !wanted.has(step.path),
  ).length;
  return {
    entries: have.entries.length,
    lacks: missingFromSystem(have),
    steps: plan.steps.length,
    removed,
    missing: measure(plan.missing),
    kernelChanged: changesKernel(plan.steps),
    blocked: plan.blocked.slice(0, maxBlocked),
  };
}

function measure(contents: readonly Content[]): Assessment["missing"] {
  let bytes = 0;
  let diskBytes = 0;
  for (const { size } of contents) {
    bytes += size;
    diskBytes += Math.ceil(size / blockBytes) * blockBytes;
  }
  return { objects: contents.length, bytes, diskBytes };
}
