/** Owner, mode, extended attributes, time and rights of an open file. */
import * as host from "host";
import type { Attributes } from "../../../core/image/attributes/attributes.ts";
import { fileType } from "../../../core/image/tree.ts";
import { checked } from "../../system/errno.ts";
import { setAttributes } from "../scan/attributes.ts";

/** What a step says of the file that it makes or changes. */
export type Owner = {
  readonly uid: number;
  readonly gid: number;
  readonly mode?: number;
  readonly mtimeMs?: number;
  readonly attributes?: Attributes;
};

/** Set-user-id and set-group-id. */
export const rights = 0o6000;

/** Takes set-user-id, set-group-id and capabilities from a regular file. */
export function dropRights(fd: number, { mode }: host.FileStat, path: string): void {
  if ((mode & fileType.mask) === fileType.regular) checked(`take the rights from ${path}`, host.dropRights(fd));
}

/** Whether no user can have the file open for writing, or a name for it elsewhere. */
export function isOnlyRoots({ uid, mode, nlink }: host.FileStat): boolean {
  return uid === 0 && nlink === 1 && (mode & 0o022) === 0;
}

/**
 * Gives an open file its owner, mode, extended attributes and time. chown(2) clears set-user-id bits and capabilities, so
 * owner first, then mode and attributes; time last. False if its file system cannot keep the attributes.
 */
export function setFacts(fd: number, { uid, gid, mode, mtimeMs, attributes }: Owner, path: string): boolean {
  checked(`chown ${path}`, host.setOwner(fd, uid, gid));
  if (mode !== undefined) checked(`chmod ${path}`, host.setMode(fd, mode & 0o7777));
  const isKept = attributes === undefined || setAttributes(fd, attributes, path);
  if (mtimeMs !== undefined) checked(`set the time of ${path}`, host.setModified(fd, mtimeMs));
  return isKept;
}
