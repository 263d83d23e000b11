import * as host from "host";
import * as os from "os";
import type { Filter } from "../../core/image/filter.ts";
import { comparePaths, fileType, maxTreeDepth, type SeenInode, type SeenTree } from "../../core/image/tree.ts";
import { checked, systemError } from "../system/errno.ts";
import { list } from "../system/files.ts";
import { agentPaths } from "./paths.ts";
import type { SubContext } from "./sub-context.ts";

/**
 * The tree below the root with the hash of every file, as an update needs it. Paths that the filter matches are marked
 * and not entered, and so are other mounted file systems and directories beyond `maxTreeDepth`. The exception is /boot: it belongs to the image although it
 * is a separate partition.
 */
export function scanTree({ root, alive, log }: SubContext, filter: Filter): SeenTree {
  const inodes: SeenInode[] = [{ kind: "protected" }];
  const entries: [string, number][] = [];
  const numbers = new Map<string, number>();
  const devices = new Set(["/", agentPaths.boot].map((path) => os.lstat(`${root}${path}`)[0]?.dev));

  function walk(directory: string, depth: number): void {
    for (const name of list(`${root}${directory}/`)) {
      alive();
      const path = `${directory}/${name}`;
      const [stat, errno] = os.lstat(`${root}${path}`);
      if (stat === null) {
        // Removed since the directory was read, or a name that is not UTF-8; images contain neither.
        log("debug", "omitted from the scan", { path, errno });
        continue;
      }
      const isDirectory = (stat.mode & fileType.mask) === fileType.directory;
      if (filter.matches(path) || !devices.has(stat.dev) || (isDirectory && depth >= maxTreeDepth)) {
        entries.push([path, 0]);
        continue;
      }
      const identity = `${stat.dev}:${stat.ino}`;
      let number = stat.nlink > 1 ? numbers.get(identity) : undefined;
      if (number === undefined) {
        number = inodes.push(inodeOf(`${root}${path}`, stat)) - 1;
        numbers.set(identity, number);
      }
      entries.push([path, number]);
      if (isDirectory) walk(path, depth + 1);
    }
  }

  walk("", 1);
  entries.sort(([one], [other]) => comparePaths(one, other));
  return { inodes, entries };
}

function inodeOf(path: string, stat: os.Stat): SeenInode {
  const { uid, gid } = stat;
  const mode = stat.mode & 0o7777;
  switch (stat.mode & fileType.mask) {
    case fileType.directory:
      return { kind: "directory", mode, uid, gid };
    case fileType.symlink: {
      const [target, errno] = os.readlink(path);
      if (errno !== 0) throw systemError(`read link ${path}`, errno);
      return { kind: "symlink", uid, gid, target };
    }
    case fileType.regular: {
      const sha512 = stat.size === 0 ? "" : host.sha512File(path);
      return { kind: "regular", mode, uid, gid, mtimeMs: stat.mtime, size: stat.size, sha512 };
    }
    default:
      return { kind: "special", mode: stat.mode, uid, gid, rdev: stat.rdev };
  }
}

/** Free bytes of the root's file system. */
export function freeBytes(root: string): number {
  return host.statfs(root === "" ? "/" : root).freeBytes;
}

/** Device number of a path. */
export function deviceOf(path: string): number {
  const [stat, errno] = os.stat(path);
  if (stat === null) throw systemError(`stat ${path}`, errno);
  return checked(`stat ${path}`, stat.dev);
}
