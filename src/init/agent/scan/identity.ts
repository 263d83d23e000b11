import type { FileStat } from "host";
import { fileType } from "../../../core/image/tree.ts";

/** Which file an inode is: device, number and type of st_mode. */
export type Identity = { readonly dev: number; readonly ino: number; readonly type: number };

/** The identity of an open file. */
export function identityOf({ dev, ino, mode }: FileStat): Identity {
  return { dev, ino, type: mode & fileType.mask };
}

/** Whether an open file is the one that was seen; undefined for none. */
export function isSame(stat: FileStat | undefined, seen: Identity | undefined): boolean {
  if (stat === undefined || seen === undefined) return stat === seen;
  const { dev, ino, type } = identityOf(stat);
  return dev === seen.dev && ino === seen.ino && type === seen.type;
}
