import * as host from "host";
import type { Directive } from "../../core/image/update/directive.ts";
import type { UpdateStep } from "../../core/image/update/update-step.ts";
import { stepApplier } from "./apply-step.ts";
import { writeBootFiles } from "./boot-files.ts";
import { checkBootable } from "./check-update.ts";
import type { ObjectCache } from "./objects/object-cache.ts";
import { areBootFilesDue, beginUpdate, bootFilesDone, finishUpdate } from "./state.ts";
import type { SubContext } from "./sub-context.ts";

const progressEvery = 2000;

/**
 * Brings the root to an image. When the kernel changes, the boot loader's files are written after placing the new files
 * and before removing the old ones, so that the files named by the boot loader always exist (except during the rename
 * of a kernel of the same name). Everything is on the disk when this returns; a power cut before that leaves a root
 * without `patched-image`, which is then updated again.
 */
export function applyUpdate(
  context: SubContext,
  cache: ObjectCache,
  update: Extract<Directive, { kind: "update" }>,
): void {
  const { root, alive, log } = context;
  if (update.kernelChanged || areBootFilesDue(root)) checkBootable(context, cache, update);
  beginUpdate(root, update.kernelChanged);
  const applyStep = stepApplier(root, cache, countUses(update.steps));
  let done = 0;
  const applyAll = (steps: readonly UpdateStep[]) => {
    for (const step of steps) {
      alive();
      applyStep(step);
      done += 1;
      if (done % progressEvery === 0) log("info", "updating", { steps: done, of: update.steps.length });
    }
  };
  const split = lastPlaced(update.steps) + 1;
  const late = update.steps.slice(split);
  applyAll(update.steps.slice(0, split));
  if (areBootFilesDue(root)) {
    const going = late.flatMap((step) => (step.kind === "removeFile" ? [step.path] : []));
    writeBootFiles(context, update.image, new Set(going));
    host.sync();
    bootFilesDone(root);
  }
  applyAll(late);
  cache.clear();
  finishUpdate(root, update.image);
}

function countUses(steps: readonly UpdateStep[]): Map<string, number> {
  const uses = new Map<string, number>();
  for (const step of steps) {
    if (step.kind === "placeFile" && step.size > 0) uses.set(step.sha512, (uses.get(step.sha512) ?? 0) + 1);
  }
  return uses;
}

function lastPlaced(steps: readonly UpdateStep[]): number {
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    const kind = steps[index]?.kind;
    if (
      kind === "placeFile" ||
      kind === "placeLink" ||
      kind === "placeSymlink" ||
      kind === "placeSpecial" ||
      kind === "makeDirectory"
    ) {
      return index;
    }
  }
  return -1;
}
