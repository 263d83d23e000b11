import { changesKernel } from "../boot/kernel-change.ts";
import { missingFromSystem } from "../system-check.ts";
import type { SeenTree, Tree } from "../tree.ts";
import type { Content, UpdatePlan } from "./difference.ts";

/**
 * The result of comparing a machine's tree with an image: everything that the next directive depends on, without the
 * plan itself.
 */
export type Assessment = {
  /** Number of paths on the machine that are root's or protected: users make any number of others. */
  readonly entries: number;
  /** What the machine's tree lacks to start (`missingFromSystem`). */
  readonly lacks: readonly string[];
  readonly steps: number;
  /** Number of steps that remove a path of root's that is not in the image. */
  readonly removed: number;
  /** What must be fetched first; `diskBytes` counts whole blocks. */
  readonly missing: { readonly objects: number; readonly bytes: number; readonly diskBytes: number };
  readonly kernelChanged: boolean;
  /** Wanted paths that a protected path blocks, at most `maxBlocked` of them. */
  readonly blocked: readonly string[];
};

/** Limit of blocked paths that are named. */
export const maxBlocked = 100;

/** The usual block size of ext4. */
const blockBytes = 4096;

/** Assesses the plan that turns `have` into `want`. */
export function assess(plan: UpdatePlan, { have, want }: { readonly have: SeenTree; readonly want: Tree }): Assessment {
  const wanted = new Set(want.entries.map(([path]) => path));
  const roots = pathsOfRoot(have);
  const removed = plan.steps.filter(
    ({ kind, path }) => (kind === "removeFile" || kind === "removeDirectory") && !wanted.has(path) && roots.has(path),
  ).length;
  return {
    entries: roots.size,
    lacks: missingFromSystem(have),
    steps: plan.steps.length,
    removed,
    missing: measure(plan.missing),
    kernelChanged: changesKernel(plan.steps),
    blocked: plan.blocked.slice(0, maxBlocked),
  };
}

/** What a user makes neither stops an update nor hides that an image removes the system. */
function pathsOfRoot({ entries, inodes }: SeenTree): ReadonlySet<string> {
  return new Set(
    entries.flatMap(([path, number]) => {
      const inode = inodes[number];
      return inode === undefined || inode.kind === "protected" || inode.uid === 0 ? [path] : [];
    }),
  );
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
