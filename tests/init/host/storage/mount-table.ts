import { fault } from "../system/errno.ts";
import type { FileSystem } from "./file-system.ts";
import { type Inode, typeBits } from "./inode.ts";

/** A mounted file system. */
export type Mount = {
  readonly point: string;
  readonly source: string;
  readonly fileSystem: FileSystem;
  readonly device: number;
  readonly readOnly: boolean;
};

/** The result of resolving a path: the directory of the last name, and the object there. `path` contains no links. */
export type Found = {
  readonly mount: Mount;
  readonly path: string;
  readonly directory: Inode;
  readonly name: string;
  readonly inode: Inode | undefined;
};

/** The mounts, and how paths resolve through them. */
export type MountTable = {
  readonly list: () => readonly Mount[];
  readonly add: (mount: Omit<Mount, "device">) => void;
  /** Replaces or removes the mount at a point. */
  readonly change: (point: string, to: Partial<Mount> | undefined) => void;
  /** Moves a mount with the mounts in it. */
  readonly move: (from: string, to: string) => void;
  /** Makes the mount at a point the root; everything outside of it is gone. */
  readonly pivot: (point: string) => void;
  readonly at: (point: string) => Mount | undefined;
  /**
   * Follows links, the last one only on request; throws ENOENT, ENOTDIR or ELOOP if the path does not resolve up to its
   * last name.
   */
  readonly find: (path: string, followLast: boolean) => Found;
};

const mostLinks = 40;

/** A table with only a root. */
export function makeMountTable(root: FileSystem): MountTable {
  let devices = 1;
  let mounts: Mount[] = [{ point: "/", source: "rootfs", fileSystem: root, device: devices, readOnly: false }];

  // The latest mount at a point hides earlier ones.
  const at = (point: string): Mount | undefined => mounts.findLast((mount) => mount.point === point);
  function mustBeAt(point: string): Mount {
    const mount = at(point);
    if (mount === undefined) throw fault("EINVAL");
    return mount;
  }

  function find(path: string, followLast: boolean): Found {
    let links = 0;
    let names = path.split("/").filter((name) => name !== "" && name !== ".");
    const trail: Found[] = [rootOf("/")];

    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      const here = trail.at(-1) ?? rootOf("/");
      if (name === "..") {
        if (trail.length > 1) trail.pop();
        continue;
      }
      const next = step(here, name);
      const isLink = next.inode !== undefined && (next.inode.mode & typeBits.mask) === typeBits.symlink;
      if (isLink && (names.length > 0 || followLast)) {
        links += 1;
        if (links > mostLinks) throw fault("ELOOP");
        const target = next.inode?.target ?? "";
        names = [...target.split("/").filter((part) => part !== "" && part !== "."), ...names];
        if (target.startsWith("/")) trail.length = 1;
        continue;
      }
      if (next.inode === undefined && names.length > 0) throw fault("ENOENT");
      trail.push(next);
    }
    return trail.at(-1) ?? rootOf("/");
  }
  function rootOf(point: string): Found {
    const mount = mustBeAt(point);
    const { root: inode } = mount.fileSystem;
    return { mount, path: point, directory: inode, name: "", inode };
  }
  function step(here: Found, name: string): Found {
    const { inode: directory } = here;
    if (directory === undefined) throw fault("ENOENT");
    if ((directory.mode & typeBits.mask) !== typeBits.directory) throw fault("ENOTDIR");
    const path = here.path === "/" ? `/${name}` : `${here.path}/${name}`;
    const mounted = at(path);
    if (mounted !== undefined) return { ...rootOf(path), directory, name };
    const number = directory.entries.get(name);
    const inode = number === undefined ? undefined : here.mount.fileSystem.get(number);
    return { mount: here.mount, path, directory, name, inode };
  }
  function isIn(point: string, top: string): boolean {
    return point === top || point.startsWith(`${top}/`);
  }

  return {
    list: () => mounts,
    at,
    find,
    add: (mount) => {
      devices += 1;
      mounts.push({ ...mount, device: devices });
    },
    change: (point, to) => {
      const mount = mustBeAt(point);
      if (to === undefined && mounts.some((other) => other.point.startsWith(`${point}/`))) throw fault("EBUSY");
      mounts = mounts.flatMap((each) => (each !== mount ? [each] : to === undefined ? [] : [{ ...each, ...to }]));
    },
    move: (from, to) => {
      mustBeAt(from);
      mounts = mounts.map((each) =>
        isIn(each.point, from) ? { ...each, point: `${to}${each.point.slice(from.length)}` } : each,
      );
    },
    pivot: (point) => {
      mustBeAt(point);
      mounts = mounts
        .filter((each) => isIn(each.point, point))
        .map((each) => ({ ...each, point: each.point.slice(point.length) || "/" }));
    },
  };
}
