import * as host from "host";
import * as os from "os";
import type { UpdateStep } from "../../core/image/update/update-step.ts";
import { checked, isAbsent, systemError } from "../system/errno.ts";
import { copyFile, writeBytes } from "../system/files.ts";
import type { ObjectCache } from "./objects/object-cache.ts";

/** Linux errno values that `std` does not name (asm-generic/errno.h, errno-base.h). */
const errnoOf = { EEXIST: 17, EXDEV: 18, ENOTEMPTY: 39 } as const;

/** Applies one step of an update. */
export type StepApplier = (step: UpdateStep) => void;

/**
 * Applies steps below a root. `uses` counts how often each content is placed: it is copied each time, and moved the
 * last time.
 */
export function stepApplier(root: string, cache: ObjectCache, uses: Map<string, number>): StepApplier {
  const target = { root, cache, uses };
  return (step) => (appliers[step.kind] as (step: UpdateStep, target: Target) => void)(step, target);
}

/** What the steps change. */
type Target = { readonly root: string; readonly cache: ObjectCache; readonly uses: Map<string, number> };
type Step<K extends UpdateStep["kind"]> = Extract<UpdateStep, { kind: K }>;

const appliers: { readonly [K in UpdateStep["kind"]]: (step: Step<K>, target: Target) => void } = {
  keepObject: ({ path, sha512 }, { root, cache }) => cache.addCopy(sha512, `${root}${path}`),
  removeFile: ({ path }, { root }) => {
    const result = os.remove(`${root}${path}`);
    if (result < 0 && !isAbsent(result)) throw systemError(`remove ${path}`, result);
  },
  removeDirectory: ({ path }, { root }) => {
    const result = os.remove(`${root}${path}`);
    // Something was added to it since the scan; the next comparison sees it.
    const harmless = result === -errnoOf.ENOTEMPTY || result === -errnoOf.EEXIST || isAbsent(result);
    if (result < 0 && !harmless) throw systemError(`remove directory ${path}`, result);
  },
  makeDirectory: ({ path, mode, uid, gid }, { root }) => {
    const result = os.mkdir(`${root}${path}`, 0o700);
    if (result < 0 && result !== -errnoOf.EEXIST) throw systemError(`make directory ${path}`, result);
    host.chown(`${root}${path}`, uid, gid);
    host.chmod(`${root}${path}`, mode);
  },
  placeFile,
  placeSymlink: ({ path, target, uid, gid }, { root }) =>
    place(`${root}${path}`, (draft) => {
      checked(`make link ${draft}`, os.symlink(target, draft));
      host.chown(draft, uid, gid);
    }),
  placeSpecial: ({ path, mode, uid, gid, rdev }, { root }) =>
    place(`${root}${path}`, (draft) => {
      host.makeNode(draft, mode, rdev);
      host.chown(draft, uid, gid);
      host.chmod(draft, mode & 0o7777);
    }),
  placeLink: ({ path, existing }, { root }) =>
    place(`${root}${path}`, (draft) => host.link(`${root}${existing}`, draft)),
  setMetadata: ({ path, mode, uid, gid, mtimeMs }, { root }) => {
    host.chown(`${root}${path}`, uid, gid);
    if (mode !== undefined) host.chmod(`${root}${path}`, mode & 0o7777);
    if (mtimeMs !== undefined) host.setTimes(`${root}${path}`, mtimeMs);
  },
};

function placeFile(step: Step<"placeFile">, { root, cache, uses }: Target): void {
  const finish = (path: string) => {
    // chown(2) clears set-user-id bits, so owner first, then mode; time last.
    host.chown(path, step.uid, step.gid);
    host.chmod(path, step.mode);
    host.setTimes(path, step.mtimeMs);
  };
  const object = cache.pathOf(step.sha512);
  const left = (uses.get(step.sha512) ?? 1) - 1;
  uses.set(step.sha512, left);
  if (step.size > 0 && left === 0) {
    finish(object);
    const moved = os.rename(object, `${root}${step.path}`);
    if (moved >= 0) return;
    // /boot is a separate partition.
    if (moved !== -errnoOf.EXDEV) throw systemError(`move object ${step.sha512} to ${step.path}`, moved);
  }
  place(`${root}${step.path}`, (draft) => {
    if (step.size === 0) writeBytes(draft, new Uint8Array(0));
    else copyFile(object, draft, 0o600);
    finish(draft);
  });
  if (step.size > 0 && left === 0) os.remove(object);
}

/** Makes the new file under a name beside the old one, then renames it into place atomically. */
function place(path: string, make: (draft: string) => void): void {
  const draft = `${path}.birther-new`;
  const stale = os.remove(draft);
  if (stale < 0 && !isAbsent(stale)) throw systemError(`remove ${draft}`, stale);
  make(draft);
  checked(`rename ${draft} into place`, os.rename(draft, path));
}
