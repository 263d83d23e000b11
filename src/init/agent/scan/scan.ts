import * as host from "host";
import * as os from "os";
import { plainText } from "../../../core/bytes/plain-text.ts";
import type { Filter } from "../../../core/image/filter.ts";
import {
  comparePaths,
  fileType,
  maxTreeDepth,
  type SeenInode,
  type SeenTree,
  type Tree,
} from "../../../core/image/tree.ts";
import { hashDescriptor, namesIn } from "../../beneath/files.ts";
import { atDirectory, statOf, withDescriptor } from "../../beneath/place.ts";
import { checked, errnoOf, isOfPath, systemError } from "../../system/errno.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";
import { seenAttributes } from "./attributes.ts";
import { type Identity, identityOf } from "./identity.ts";
import { hashMoved } from "./moved-files.ts";

/** What a scan needs of the agent. */
type ScanContext = Pick<SubContext, "root" | "alive" | "log">;

/** What a scan found: the tree, and by the number of an inode, which file it is. */
export type Scan = {
  readonly tree: SeenTree;
  readonly identities: readonly (Identity | undefined)[];
  readonly left: Left;
};

/** What a scan leaves out, with the first path of each kind. */
export type Left = { readonly [kind in LeftKind]: { readonly count: number; readonly first: string } };

/**
 * Not UTF-8: reported with escapes. Too many, gone, or changed under way: not reported. Mounted: hides paths of the image, and is
 * reported as protected.
 */
type LeftKind = "notUtf8" | "tooMany" | "underWay" | "mounted";

/** What a scan is for: a comparison with an image needs the hashes of its files only. */
export type ScanFor = { readonly filter: Filter; readonly image?: Tree };

/** Limit of paths outside of the image; users can make any number of them. */
const maxExtraPaths = 200_000;
/** Limit of paths if the image is not known: below that of a poll (contract/sub.ts). */
const maxPaths = 900_000;
/** Limits of the JSON text of paths and of links' targets, in bytes: what users make, and all of it, below that of a poll. */
const maxExtraText = 16 << 20;
const maxText = 160 << 20;
/** A directory with a longer path, in bytes, is left alone, so that no path in it exceeds PATH_MAX. */
const maxDirectoryPath = 4096 - 256;
/** Without an image, larger files with holes are not read: an image's files have none, and a user makes them in no time. */
const maxSparseBytes = 64 << 20;
/** st_blocks counts these (inode(7)). */
const blockBytes = 512;
/** A byte that is not UTF-8 (host-names.c), or half of a character. */
const notUtf8 = /[\ud800-\udfff]/u;

/**
 * The tree below the root with the hash of every file that the image has at its path, or may have at another. Paths that the filter
 * matches are marked and not looked at, and so are other mounted file systems and directories beyond `maxTreeDepth`. The
 * exception is /boot: it belongs to the image although it is a separate partition. Nothing is opened but directories and the
 * regular files that are hashed.
 */
export function scanTree(context: ScanContext, what: ScanFor): Scan {
  const walk = makeWalk(context, what);
  atDirectory(context.root, "/", (top) => walk.enter(top, "", 1));
  if (what.image !== undefined) hashMoved(context, walk.found, what.image);
  return walk.result();
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: short functions over the state of one walk
function makeWalk({ alive, log }: ScanContext, { filter, image }: ScanFor) {
  const inodes: SeenInode[] = [{ kind: "protected" }];
  const identities: (Identity | undefined)[] = [undefined];
  const entries: [string, number][] = [];
  const numbers = new Map<string, number>();
  const wanted = image === undefined ? undefined : wantedSizes(image);
  const left = leftOut();
  let extraPaths = 0;
  let textLeft = wanted === undefined ? maxText : maxExtraText;

  /** Whether the path is one too many. */
  function isTooMany(path: string): boolean {
    if (wanted?.has(path) === true) return false;
    if (wanted !== undefined) extraPaths += 1;
    return extraPaths > maxExtraPaths || (wanted === undefined && entries.length >= maxPaths) || !hasRoomFor(path);
  }
  function hasRoomFor(text: string): boolean {
    textLeft -= jsonBytes(text);
    return textLeft >= 0;
  }
  function isHashed(path: string, { size, blocks }: host.FileStat): boolean {
    if (size === 0) return false;
    if (wanted !== undefined) return wanted.get(path) === size;
    return size <= maxSparseBytes || blocks * blockBytes >= size;
  }
  function numberOf(path: string, place: number, stat: host.FileStat): number {
    const key = `${stat.dev}:${stat.ino}`;
    const known = stat.nlink > 1 ? numbers.get(key) : undefined;
    const isRegular = (stat.mode & fileType.mask) === fileType.regular;
    const isNeeded = isRegular && isHashed(path, stat);
    const inode = known === undefined ? undefined : inodes[known];
    if (known !== undefined && !(isNeeded && inode?.kind === "regular" && inode.sha512 === "")) return known;
    const sha512 = isNeeded ? hashPlace(path, place, stat.size) : "";
    const seen = inodeOf(path, place, { ...stat, sha512 });
    if (known !== undefined) {
      inodes[known] = seen;
      return known;
    }
    const number = inodes.push(seen) - 1;
    identities.push(identityOf(stat));
    if (stat.nlink > 1) numbers.set(key, number);
    return number;
  }
  function hashPlace(path: string, place: number, size: number): string {
    const fd = host.reopen(place);
    // The owner holds a lease (fcntl(2), F_SETLEASE), for which opening would wait: the file counts as another one.
    if (fd === -errnoOf.EAGAIN) return "";
    return withDescriptor(`read ${path}`, fd, (open) => hashDescriptor(open, size, alive));
  }
  function visit(directory: number, name: string, at: { readonly path: string; readonly depth: number }): void {
    const { path, depth } = at;
    if (notUtf8.test(name)) left.add("notUtf8", path);
    if (filter.matches(path)) {
      entries.push([path, 0]);
      return;
    }
    const place = host.openBeneath(directory, name, path === agentPaths.boot ? "mount" : "place");
    if (place === -errnoOf.EXDEV) {
      if (wanted?.has(path) === true) left.add("mounted", path);
      entries.push([path, 0]);
    } else withDescriptor(`open ${path}`, place, (fd) => record(fd, path, depth));
  }
  /** What goes wrong at one path, such as a directory that is removed under way, does not end the scan. */
  function attempt(path: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!isOfPath(error)) throw error;
      left.add("underWay", path);
    }
  }
  function record(place: number, path: string, depth: number): void {
    const stat = statOf(place, path);
    const isDirectory = (stat.mode & fileType.mask) === fileType.directory;
    if (isDirectory && (depth >= maxTreeDepth || diskBytes(path) > maxDirectoryPath)) {
      entries.push([path, 0]);
      return;
    }
    const number = numberOf(path, place, stat);
    const inode = inodes[number];
    if (inode !== undefined && !hasRoomFor(textOf(inode))) {
      left.add("tooMany", path);
      return;
    }
    entries.push([path, number]);
    if (!isDirectory) return;
    const inside = host.openBeneath(place, ".", "directory");
    withDescriptor(`open ${path}`, inside, (fd) => enter(fd, path, depth + 1));
  }
  function enter(directory: number, at: string, depth: number): void {
    for (const name of namesIn(directory, at === "" ? "/" : at)) {
      alive();
      const path = `${at}/${name}`;
      if (isTooMany(path)) left.add("tooMany", path);
      else attempt(path, () => visit(directory, name, { path, depth }));
    }
  }
  return {
    enter,
    found: { inodes, entries, identities },
    result: (): Scan => {
      entries.sort(([one], [other]) => comparePaths(one, other));
      const found = left.result();
      for (const [kind, { count, first }] of Object.entries(found))
        if (count > 0) log("warn", leftTexts[kind as LeftKind], { count, first });
      return { tree: { inodes, entries }, identities, left: found };
    },
  };
}

const leftTexts: { readonly [kind in LeftKind]: string } = {
  notUtf8: "names that are not UTF-8 were found",
  tooMany: "too many paths: the scan left some out",
  underWay: "paths changed during the scan, which left them out",
  mounted: "paths of the image are hidden by other mounts and were left alone",
};

/** Counts what is left out. */
function leftOut() {
  const none = { count: 0, first: "" };
  const found = { notUtf8: none, tooMany: none, underWay: none, mounted: none };
  return {
    add: (kind: LeftKind, path: string) => {
      const { count, first } = found[kind];
      found[kind] = { count: count + 1, first: count === 0 ? plainText(path) : first };
    },
    result: (): Left => found,
  };
}

/** The text of an inode that users make as long as they like. */
function textOf(inode: SeenInode): string {
  if (inode.kind === "symlink") return inode.target;
  return inode.kind === "protected" ? "" : (inode.attributes ?? []).map(([name, value]) => name + value).join("");
}

/** About how many bytes a text has in JSON: six for each character that may be escaped. */
function jsonBytes(text: string): number {
  return /^[ !#-[\]-~]*$/.test(text) ? text.length : 6 * text.length;
}

/** How many bytes a path has on the disk, where a byte that is not UTF-8 is one unit here (host-names.c). */
function diskBytes(path: string): number {
  let bytes = 0;
  for (const character of path) {
    const point = character.codePointAt(0) ?? 0;
    const isByte = point < 0x80 || (point >= 0xdc80 && point <= 0xdcff);
    bytes += isByte ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** The image's paths with the sizes of its regular files; -1 for anything else. */
function wantedSizes({ entries, inodes }: Tree): ReadonlyMap<string, number> {
  return new Map(
    entries.map(([path, number]) => {
      const inode = inodes[number];
      return [path, inode?.kind === "regular" ? inode.size : -1];
    }),
  );
}

function inodeOf(path: string, place: number, stat: host.FileStat & { readonly sha512: string }): SeenInode {
  const { uid, gid } = stat;
  const mode = stat.mode & 0o7777;
  switch (stat.mode & fileType.mask) {
    case fileType.directory:
      return { kind: "directory", mode, uid, gid, ...seenAttributes(place, path) };
    case fileType.symlink: {
      const target = host.targetOf(place);
      if (typeof target === "number") throw systemError(`read link ${path}`, target);
      return { kind: "symlink", uid, gid, target };
    }
    case fileType.regular:
      return {
        ...{ kind: "regular", mode, uid, gid, mtimeMs: stat.mtimeMs, size: stat.size, sha512: stat.sha512 },
        ...seenAttributes(place, path),
      };
    default:
      return { kind: "special", mode: stat.mode, uid, gid, rdev: stat.rdev, ...seenAttributes(place, path) };
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
