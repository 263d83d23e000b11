/** What "no space" means for a step of an update: a full disk, or one directory of it. */
import * as host from "host";
import type { UpdateStep } from "../../../core/image/update/update-step.ts";
import { errnoIn, errnoOf } from "../../system/errno.ts";
import { agentPaths } from "../paths.ts";
import type { Scan } from "../scan/scan.ts";

/** With more free bytes than a step needs and these, no space means one directory. */
const spareBytes = 16 << 20;

/**
 * Whether "no space" concerns one directory, although the disk has room: its index is full (ext4), or it has a quota of its
 * project (XFS). A user can fill the index of a directory.
 */
export function isDirectoryFull(
  error: unknown,
  { root, scan }: { readonly root: string; readonly scan: Scan },
  step: UpdateStep,
): boolean {
  if (errnoIn(error) !== errnoOf.ENOSPC || step.path.startsWith(`${agentPaths.boot}/`)) return false;
  const { freeBytes, freeInodes } = room(root);
  return freeInodes > 0 && freeBytes >= bytesOf(step, scan) + spareBytes;
}

/** The largest file that a step may have to copy. */
function bytesOf(step: UpdateStep, { tree }: Scan): number {
  if (step.kind === "placeFile") return step.size;
  if (step.kind !== "setMetadata" && step.kind !== "keepObject") return 0;
  const number = tree.entries.find(([path]) => path === step.path)?.[1] ?? 0;
  const inode = tree.inodes[number];
  return inode?.kind === "regular" ? inode.size : 0;
}

/** The error of a full disk, with what is to be done where inodes are missing and not bytes. */
export function nameFullDisk(error: unknown, root: string): unknown {
  if (!(error instanceof Error) || room(root).freeInodes > 0) return error;
  return Object.assign(new Error(`${error.message}: no inode is free; remove files`), { errno: errnoOf.ENOSPC });
}

function room(root: string): { readonly freeBytes: number; readonly freeInodes: number } {
  return host.statfs(root === "" ? "/" : root);
}
