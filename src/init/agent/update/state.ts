import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import { exists, makeDirectories, readTextIfThere, remove, replaceBytes, writeText } from "../../beneath/files.ts";
import { readText } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";
import { syncDisks } from "./sync-disks.ts";

type StateContext = Pick<SubContext, "root" | "alive">;

/** The image that the last finished update installed on this root. */
export function readPatchedImage(root: string): string | undefined {
  const text = readTextIfThere(root, agentPaths.patchedImage)?.trim();
  return text === "" ? undefined : text;
}

/**
 * Records the start of an update; until it is finished the disk holds no image. A kernel change is recorded too: if
 * this update fails after placing its files, the next one finds no change, and the reboot is due all the same.
 */
export function beginUpdate({ root, alive }: StateContext, kernelChanged: boolean): void {
  makeDirectories(root, agentPaths.state);
  if (kernelChanged) writeText(root, agentPaths.kernelChangedIn, bootId());
  remove(root, agentPaths.patchedImage);
  syncDisks({ alive });
}

/** Records that an update is complete and on the disk. */
export function finishUpdate({ root, alive }: StateContext, image: string): void {
  syncDisks({ alive });
  replaceBytes(root, agentPaths.patchedImage, encodeUtf8(`${image}\n`));
  syncDisks({ alive });
}

/** Whether an update of the current boot changed the kernel, so that a reboot is due. */
export function isRebootPending(root: string): boolean {
  return readTextIfThere(root, agentPaths.kernelChangedIn)?.trim() === bootId();
}

/** Records, in the former layout, that the boot loader's files have to be made; before the kernel is touched. */
export function bootFilesAreDue(root: string): void {
  makeDirectories(root, agentPaths.state);
  writeText(root, agentPaths.bootFilesDue, "");
}

/** Whether, in the former layout, the boot loader's files have to be made. */
export function areBootFilesDue(root: string): boolean {
  return exists(root, agentPaths.bootFilesDue);
}

/** Records that the boot loader's files fit the kernel again. */
export function bootFilesDone(root: string): void {
  remove(root, agentPaths.bootFilesDue);
}

/** The identity of this boot of the machine. */
export function bootId(): string {
  return readText("/proc/sys/kernel/random/boot_id").trim();
}
