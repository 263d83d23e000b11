import * as host from "host";
import { fileType } from "../../../core/image/tree.ts";
import type { UpdateStep } from "../../../core/image/update/update-step.ts";
import { copyDescriptor, hashFile, removeAt } from "../../beneath/files.ts";
import { atEntry, atFile, atPlace, type DirectoryEntry, statAt, statOf, withDescriptor } from "../../beneath/place.ts";
import { checked, errnoIn, errnoOf, isAbsent, isOfPath, systemError } from "../../system/errno.ts";
import type { ObjectCache } from "../objects/object-cache.ts";
import { placeObject } from "../objects/place-object.ts";
import { type Identity, identityOf, isSame } from "../scan/identity.ts";
import type { Scan } from "../scan/scan.ts";
import { drafts } from "./draft.ts";
import { dropRights, isOnlyRoots, type Owner, rights, setFacts } from "./file-facts.ts";
import { isDirectoryFull, nameFullDisk } from "./full-directory.ts";
import { countUses, keepableByLink } from "./kept-content.ts";
import { seenPaths } from "./seen-paths.ts";

/** Applies one step of an update; false if its path changed since the scan, so that it was left alone. */
export type StepApplier = (step: UpdateStep) => boolean;

/** What an update changes, and what the scan before it saw. */
export type UpdateTarget = {
  readonly root: string;
  readonly cache: ObjectCache;
  readonly scan: Scan;
  readonly steps: readonly UpdateStep[];
  readonly alive: () => void;
  /** Called for a path whose file system cannot keep the extended attributes of the image. */
  readonly onUnsupported: (path: string) => void;
};

/**
 * Applies steps below a root. Users of the machine can change any directory of theirs at any time, so a step acts only on
 * descriptors that were opened beneath the root, and only if it finds there what the scan saw. New files are made in
 * directories that only root can enter, and moved into place. Each content is copied as often as it is placed, and moved the
 * last time.
 */
export function stepApplier(target: UpdateTarget): StepApplier {
  const apply = appliers(target);
  return (step) => {
    try {
      (apply[step.kind] as (step: UpdateStep) => void)(step);
      return true;
    } catch (error) {
      if (isOfPath(error) || isDirectoryFull(error, target, step)) return false;
      throw errnoIn(error) === errnoOf.ENOSPC ? nameFullDisk(error, target.root) : error;
    }
  };
}

type Step<K extends UpdateStep["kind"]> = Extract<UpdateStep, { kind: K }>;

/** The error of a path where something else is than the scan saw. */
function changed(path: string): Error {
  return systemError(`${path} is not what the scan saw`, errnoOf.EEXIST);
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a table with one short function for each kind of step
function appliers({ root, cache, scan, steps, alive, onUnsupported }: UpdateTarget) {
  const seen = seenPaths(scan, steps);
  const draft = drafts(root);
  const uses = countUses(steps);
  const keepable = keepableByLink(steps, (path) => draft.isElsewhere(path));
  /** Inodes that an object is a name of: the file that it becomes keeps their rights. */
  const kept = new Set<string>();

  /** Gives an open file what the step says of it. */
  function finish(fd: number, owner: Owner, path: string): void {
    if (!setFacts(fd, owner, path)) onUnsupported(path);
  }
  /** Does some work with what is at a path, if the scan saw it there. */
  function atSeen<T>(path: string, work: (fd: number, stat: host.FileStat) => T): T {
    return atPlace(root, path, (fd) => {
      const stat = statOf(fd, path);
      if (!isSame(stat, seen.at(path))) throw changed(path);
      return work(fd, stat);
    });
  }
  /**
   * Demands what the scan saw at a name that is about to go, undefined for nothing. Takes the rights from a program that has no
   * other name in the tree: a user may have linked to it elsewhere, or hold it open, and would keep its old version.
   */
  function disarm(entry: DirectoryEntry, path: string): host.FileStat | undefined {
    const fd = host.openBeneath(entry.directory, entry.name, "place");
    if (isAbsent(fd)) return undefined;
    return withDescriptor(`open ${path}`, fd, (place) => {
      const stat = statOf(place, path);
      if (!isSame(stat, seen.at(path))) throw changed(path);
      if (losesRights(path, stat)) dropRights(place, stat, path);
      return stat;
    });
  }
  /** Whether a program that is to go from a path has no other name in the tree, and is not to become another file. */
  function losesRights(path: string, inode: Pick<Identity, "dev" | "ino">): boolean {
    return seen.othersOf(path).length === 0 && !kept.has(numberOf(inode));
  }
  /** Removes a name, if it is what the scan saw. */
  function removeSeen(path: string, isDirectory: boolean): void {
    atEntry(root, path, (entry) => {
      if (disarm(entry, path) === undefined) return;
      const result = host.removeAt(entry.directory, entry.name, isDirectory);
      if (result < 0 && !isAbsent(result)) throw systemError(`remove ${path}`, result);
    });
    seen.put(path, undefined);
  }
  /** Moves a complete new file into place: over what the scan saw, or where it saw nothing. */
  function moveTo(path: string, from: DirectoryEntry): void {
    const identity = statAt(from, path);
    if (identity === undefined) throw new Error(`${path}: expected a draft, found none`);
    atEntry(root, path, (to) => {
      const found = disarm(to, path);
      const result = host.renameAt(from.directory, from.name, to.directory, to.name, found !== undefined);
      checked(`rename a draft to ${path}`, result);
    });
    seen.put(path, identityOf(identity));
  }
  /** Makes a new file as a draft and moves it into place. */
  function place(path: string, make: (entry: DirectoryEntry) => void): void {
    draft.at(path, (entry) => {
      make(entry);
      moveTo(path, entry);
    });
  }
  function makeCopy(
    entry: DirectoryEntry,
    from: { readonly fd: number; readonly limitBytes: number },
    owner: Owner,
    path: string,
  ) {
    withDescriptor(`make a draft of ${path}`, host.createAt(entry.directory, entry.name), (fd) => {
      copyDescriptor(from, fd, `write a draft of ${path}`);
      finish(fd, owner, path);
    });
  }
  function placeFile(step: Step<"placeFile">): void {
    const { path, sha512, size } = step;
    if (size === 0) {
      place(path, (entry) =>
        withDescriptor(`make a draft of ${path}`, host.createAt(entry.directory, entry.name), (fd) =>
          finish(fd, step, path),
        ),
      );
      return;
    }
    const object = cache.pathOf(sha512);
    const left = (uses.get(sha512) ?? 1) - 1;
    uses.set(sha512, left);
    if (left === 0 && !draft.isElsewhere(path)) {
      if ((step.attributes ?? []).length === 0) {
        const old = seen.at(path);
        const dropsRights = old !== undefined && losesRights(path, old);
        seen.put(path, placeObject({ root, object, step, seen: old, dropsRights }));
        return;
      }
      atPlace(root, object, (fd) => finish(fd, step, path));
      atEntry(root, object, (entry) => moveTo(path, entry));
      return;
    }
    place(path, (entry) => atFile(root, object, (fd) => makeCopy(entry, { fd, limitBytes: size }, step, path)));
    if (left === 0) atEntry(root, object, (entry) => removeAt(entry, object));
  }
  function placeLink(path: string, existing: string): void {
    atSeen(existing, (fd, stat) => {
      if (isSame(stat, seen.at(path))) return;
      place(path, ({ directory, name }) => checked(`link a draft of ${path}`, host.linkAt(fd, directory, name)));
    });
  }
  /** A file that a user may have open, or has linked to elsewhere, is replaced by a copy rather than changed. */
  function replaceBy(path: string, make: (entry: DirectoryEntry) => void): void {
    const others = seen.othersOf(path);
    place(path, make);
    for (const other of others) placeLink(other, path);
  }
  function replaceRegular(step: Step<"setMetadata">, fd: number): void {
    const { path } = step;
    const content = seen.contentAt(path);
    if (content === undefined) throw changed(path);
    replaceBy(path, (entry) => {
      withDescriptor(`read ${path}`, host.reopen(fd), (from) =>
        makeCopy(entry, { fd: from, limitBytes: content.size }, step, path),
      );
      if (content.size > 0 && hashFile(root, draft.pathFor(path), alive) !== content.sha512) throw changed(path);
    });
  }
  function setMetadata(step: Step<"setMetadata">): void {
    const { path, uid, gid } = step;
    atSeen(path, (fd, stat) => {
      const type = stat.mode & fileType.mask;
      if (type === fileType.directory) {
        if (stat.uid !== uid) checked(`drop the access control lists of ${path}`, host.dropAcls(fd));
        finish(fd, step, path);
      } else if (isOnlyRoots(stat) || (type === fileType.symlink && stat.nlink === 1)) finish(fd, step, path);
      else if (type === fileType.regular) {
        replaceRegular(step, fd);
        dropRights(fd, stat, path);
      } else if (type === fileType.symlink) {
        const target = host.targetOf(fd);
        if (typeof target === "number") throw systemError(`read link ${path}`, target);
        replaceBy(path, (entry) => makeSymlink(entry, target, { uid, gid }));
      } else replaceBy(path, (entry) => makeSpecial(entry, { path, uid, gid, mode: stat.mode, rdev: stat.rdev }, step));
    });
  }
  function makeSymlink({ directory, name }: DirectoryEntry, target: string, owner: Owner): void {
    checked(`make a link to ${target}`, host.symlinkAt(target, directory, name));
    withDescriptor(`open a link to ${target}`, host.openBeneath(directory, name, "place"), (fd) =>
      finish(fd, owner, `a link to ${target}`),
    );
  }
  function makeSpecial(
    { directory, name }: DirectoryEntry,
    node: Omit<Step<"placeSpecial">, "kind">,
    owner: Owner = node,
  ): void {
    const { path, mode, rdev } = node;
    checked(`make a draft of ${path}`, host.makeNodeAt(directory, name, mode, rdev));
    withDescriptor(`open a draft of ${path}`, host.openBeneath(directory, name, "place"), (fd) =>
      finish(fd, owner, path),
    );
  }
  return {
    keepObject: ({ path, sha512 }) => {
      const { size = 0, attributes = [] } = seen.contentAt(path) ?? {};
      const isKept = atSeen(path, (place, stat) => {
        const isPlain = isOnlyRoots(stat) && (stat.mode & rights) === 0 && attributes.length === 0;
        if (!isPlain || !keepable(path, sha512))
          return withDescriptor(`read ${path}`, host.reopen(place), (fd) => cache.addCopy({ sha512, size }, fd));
        kept.add(numberOf(stat));
        return cache.addLink(sha512, place);
      });
      if (!isKept) throw changed(path);
    },
    removeFile: ({ path }) => removeSeen(path, false),
    removeDirectory: ({ path }) => {
      try {
        removeSeen(path, true);
      } catch (error) {
        // Something was added to it since the scan; the next comparison sees it.
        if (errnoIn(error) !== errnoOf.ENOTEMPTY) throw error;
      }
    },
    makeDirectory: (step) =>
      place(step.path, ({ directory, name }) => {
        checked(`make a draft of ${step.path}`, host.makeDirectoryAt(directory, name, 0o700));
        const fd = host.openBeneath(directory, name, "place");
        withDescriptor(`open a draft of ${step.path}`, fd, (made) => finish(made, step, step.path));
      }),
    placeFile,
    placeSymlink: ({ path, target, uid, gid }) => place(path, (entry) => makeSymlink(entry, target, { uid, gid })),
    placeSpecial: (step) => place(step.path, (entry) => makeSpecial(entry, step)),
    placeLink: ({ path, existing }) => placeLink(path, existing),
    setMetadata,
  } satisfies { readonly [K in UpdateStep["kind"]]: (step: Step<K>) => void };
}

function numberOf({ dev, ino }: Pick<Identity, "dev" | "ino">): string {
  return `${dev}:${ino}`;
}
