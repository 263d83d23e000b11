import * as host from "host";
import { fileType } from "../../../core/image/tree.ts";
import type { UpdateStep } from "../../../core/image/update/update-step.ts";
import { systemError } from "../../system/errno.ts";
import type { Identity } from "../scan/identity.ts";

/** A content of the cache on its way to the path of a file. Both paths are below the root, on the same file system. */
export type PlacedObject = {
  readonly root: string;
  readonly object: string;
  readonly step: Extract<UpdateStep, { kind: "placeFile" }>;
  /** What is at the path; undefined for nothing. */
  readonly seen: Identity | undefined;
  /** What is there loses its last name, and with it the rights of a program. */
  readonly dropsRights: boolean;
};

/**
 * Gives a content of the cache the facts of a file without attributes, and moves it to its path, if what the scan saw is there. One
 * native call: 10,000 files took 0.47 s with a call for each step, and 0.33 s with this, on a loaded computer (`bench/images`).
 */
export function placeObject({ root, object, step, seen, dropsRights }: PlacedObject): Identity {
  const { uid, gid, mode, mtimeMs, attributes } = step;
  const { dev, ino, type } = seen ?? { dev: 0, ino: 0, type: 0 };
  const wanted = [uid, gid, mode, mtimeMs, Number(attributes !== undefined)];
  const found = [Number(seen !== undefined), dev, ino, type, Number(dropsRights)];
  const facts = new Float64Array([...wanted, ...found, 0, 0]);
  const top = root === "" ? "/" : root;
  const result = host.placeObject(top, object.slice(1), step.path.slice(1), facts.buffer);
  if (result < 0) throw systemError(`place ${step.path}`, result);
  return { dev: facts[10] ?? 0, ino: facts[11] ?? 0, type: fileType.regular };
}
