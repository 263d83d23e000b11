import { counted } from "../../../core/bytes/counted.ts";
import { plainText } from "../../../core/bytes/plain-text.ts";
import type { Directive } from "../../../core/image/update/directive.ts";
import type { UpdateStep } from "../../../core/image/update/update-step.ts";
import { deriveBootPartition } from "../boot/derive.ts";
import { writeBootFiles } from "../boot/former-layout.ts";
import { openPartitions } from "../boot/partition.ts";
import { checkRoom } from "../boot/room.ts";
import type { ObjectCache } from "../objects/object-cache.ts";
import type { Scan } from "../scan/scan.ts";
import type { SubContext } from "../sub-context.ts";
import { stepApplier } from "./apply-step.ts";
import { checkBootable } from "./check-update.ts";
import { areBootFilesDue, beginUpdate, bootFilesAreDue, bootFilesDone, finishUpdate } from "./state.ts";
import { syncDisks } from "./sync-disks.ts";

const progressEvery = 2000;
/** Limits of the paths that a small or a failed update names. */
const maxNamed = 10;
const maxNameLength = 150;

/**
 * Brings the root to an image. The boot partition is derived from /boot after placing the new files and before removing the old
 * ones. Everything is on the disk when this returns; a power cut before that leaves a root without `patched-image`, which is then
 * updated again. Throws an error that names them if paths changed since the scan: they are left alone, and the update is not
 * complete.
 */
export function applyUpdate(
  context: SubContext,
  {
    cache,
    scan,
    progressed,
  }: {
    readonly cache: ObjectCache;
    readonly scan: Scan;
    /** Called after each step. */
    readonly progressed?: (done: number, total: number) => void;
  },
  update: Extract<Directive, { kind: "update" }>,
): void {
  const { root, alive, log } = context;
  const { mountPoint } = context.settings.boot;
  const isFormer = mountPoint === undefined;
  if (!isFormer || update.kernelChanged || areBootFilesDue(root)) checkBootable(context, cache, update);
  if (mountPoint !== undefined) checkRoom(context, update.steps, openPartitions(context, mountPoint));
  if (isFormer && update.kernelChanged) bootFilesAreDue(root);
  // What differs on a machine that ran the image already, or between two versions that are nearly the same.
  if (update.steps.length <= maxNamed)
    for (const { kind, path } of update.steps)
      log("info", "update step", { step: kind, path: plainText(path).slice(0, maxNameLength) });
  beginUpdate(context, update.kernelChanged);
  const unsupported: string[] = [];
  const onUnsupported = (path: string) => void unsupported.push(path);
  const applyStep = stepApplier({ root, cache, scan, alive, onUnsupported, steps: update.steps });
  const left: string[] = [];
  let done = 0;
  const applyAll = (steps: readonly UpdateStep[]) => {
    for (const step of steps) {
      alive();
      if (!applyStep(step)) left.push(step.path);
      done += 1;
      progressed?.(done, update.steps.length);
      if (done % progressEvery === 0) log("info", "updating", { steps: done, of: update.steps.length });
    }
  };
  const split = lastPlaced(update.steps) + 1;
  const late = update.steps.slice(split);
  applyAll(update.steps.slice(0, split));
  const going = new Set(late.flatMap((step) => (step.kind === "removeFile" ? [step.path] : [])));
  if (mountPoint !== undefined) {
    syncDisks(context);
    deriveBootPartition(context, { mountPoint, image: update.image, going, isRequired: true });
  } else if (areBootFilesDue(root)) {
    writeBootFiles(context, update.image, going);
    syncDisks(context);
    bootFilesDone(root);
  }
  applyAll(late);
  cache.clear();
  if (unsupported.length > 0)
    log("warn", "file systems without extended attributes: paths lack those of the image", {
      count: unsupported.length,
      first: plainText(unsupported[0] ?? ""),
    });
  if (left.length > 0) throw new Error(describeLeft(update.image, left));
  finishUpdate(context, update.image);
}

/** Names the first paths that changed since the scan. */
function describeLeft(image: string, left: readonly string[]): string {
  const named = left.slice(0, maxNamed).map((path) => plainText(path).slice(0, maxNameLength));
  return (
    `image ${image}: ${counted(left.length, "path")} changed since the scan, or cannot be changed, and ${left.length === 1 ? "was" : "were"} left alone; this machine is compared again: ` +
    named.join(", ") +
    (left.length > named.length ? ", …" : "")
  );
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
