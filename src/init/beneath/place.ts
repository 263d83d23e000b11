import * as host from "host";
import * as os from "os";
import { checked, errnoIn, errnoOf, isAbsent, systemError } from "../system/errno.ts";

/** A name in an open directory. */
export type DirectoryEntry = { readonly directory: number; readonly name: string };

/** The only mount below a root that belongs to it; any other is not entered. */
const bootMount = "boot";

/** The path without the root's own slash, in the mount that it belongs to. */
function inMount(path: string): { readonly mount: string | undefined; readonly rest: string } {
  const rest = path.slice(1);
  if (rest === bootMount) return { mount: bootMount, rest: "" };
  return rest.startsWith(`${bootMount}/`)
    ? { mount: bootMount, rest: rest.slice(bootMount.length + 1) }
    : { mount: undefined, rest };
}

/** Opens something, and closes it after the work. */
export function withDescriptor<T>(operation: string, fd: number, work: (fd: number) => T): T {
  const open = checked(operation, fd);
  try {
    return work(open);
  } finally {
    os.close(open);
  }
}

/** Does some work with the top of the mount that a path belongs to, and the rest of the path. */
function withTop<T>(root: string, path: string, work: (top: number, rest: string) => T): T {
  if (!path.startsWith("/")) throw new Error(`${path}: expected an absolute path`);
  const { mount, rest } = inMount(path);
  return withDescriptor(`open ${root}/`, host.openRoot(root === "" ? "/" : root), (top) => {
    if (mount === undefined) return work(top, rest);
    return withDescriptor(`open ${path}`, host.openBeneath(top, mount, "mount"), (inner) => work(inner, rest));
  });
}

/**
 * Does some work with the directory of a path below a root. No symbolic link, no `..` and no other mount leads there; throws
 * an error with errno if one is in the way.
 */
export function atEntry<T>(root: string, path: string, work: (entry: DirectoryEntry) => T): T {
  return withTop(root, path, (top, rest) => {
    const slash = rest.lastIndexOf("/");
    const name = rest.slice(slash + 1);
    if (name === "") throw new Error(`${path}: expected the path of something in a directory`);
    if (slash < 0) return work({ directory: top, name });
    const parent = host.openBeneath(top, rest.slice(0, slash), "place");
    return withDescriptor(`open the directory of ${path}`, parent, (directory) => work({ directory, name }));
  });
}

/** Does some work with a descriptor of what is at a path, which may be a link. */
export function atPlace<T>(root: string, path: string, work: (fd: number) => T): T {
  return withTop(root, path, (top, rest) =>
    rest === "" ? work(top) : withDescriptor(`open ${path}`, host.openBeneath(top, rest, "place"), work),
  );
}

/** Does some work with a descriptor of a directory to read. */
export function atDirectory<T>(root: string, path: string, work: (fd: number) => T): T {
  return withTop(root, path, (top, rest) =>
    withDescriptor(`open ${path}`, host.openBeneath(top, rest === "" ? "." : rest, "directory"), work),
  );
}

/** Does some work with a descriptor to read the regular file at a path. */
export function atFile<T>(root: string, path: string, work: (fd: number) => T): T {
  return atPlace(root, path, (place) => withDescriptor(`read ${path}`, host.reopen(place), work));
}

/** What fstat(2) says of a descriptor. */
export function statOf(fd: number, path: string): host.FileStat {
  const stat = host.statOf(fd);
  if (typeof stat === "number") throw systemError(`stat ${path}`, stat);
  return stat;
}

/** What is at a name; undefined if nothing is. */
export function statAt({ directory, name }: DirectoryEntry, path: string): host.FileStat | undefined {
  const fd = host.openBeneath(directory, name, "place");
  if (isAbsent(fd)) return undefined;
  return withDescriptor(`open ${path}`, fd, (place) => statOf(place, path));
}

/** What is at a path; undefined if nothing is, or if no directory of its name leads there. */
export function statPath(root: string, path: string): host.FileStat | undefined {
  try {
    return atPlace(root, path, (fd) => statOf(fd, path));
  } catch (error) {
    const errno = errnoIn(error) ?? 0;
    if (isAbsent(errno) || errno === errnoOf.ENOTDIR || errno === errnoOf.ELOOP) return undefined;
    throw error;
  }
}
