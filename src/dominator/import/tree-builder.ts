import { maxTreeEntries } from "../../contract/sub.ts";
import { agentProtocol, subFilter } from "../../core/image/filter.ts";
import {
  ancestorPaths,
  comparePaths,
  type Inode,
  isPlainPath,
  type RegularInode,
  type Tree,
} from "../../core/image/tree.ts";

/** Collects the paths of an image in any order. */
export type TreeBuilder = {
  /** For a repeated path the last one counts, as when an archive is unpacked. */
  readonly add: (path: string, inode: Inode) => void;
  /** Adds a file whose content is still being stored; the result takes its inode, before `finish`. */
  readonly addFile: (path: string) => (inode: RegularInode) => void;
  /** Adds another name of an existing file. */
  readonly link: (path: string, existing: string) => void;
  /** The tree without what the filter protects; implied directories belong to root and have mode 0755. */
  readonly finish: (filterLines: readonly string[]) => Tree;
};

/** A path from an archive in our form: absolute, without leading `.` parts; undefined for the root itself. */
export function cleanPath(text: string): string | undefined {
  const path = `/${text}`.replace(/\/(\.?\/)+/g, "/").replace(/\/\.?$/, "");
  if (path === "") return undefined;
  if (!isPlainPath(path))
    throw new Error(`image path: expected a plain relative or absolute path, found ${JSON.stringify(text)}`);
  return path;
}

/** Holds the number of a file until its inode is known. */
const unstored: RegularInode = { kind: "regular", mode: 0, uid: 0, gid: 0, mtimeMs: 0, size: 0, sha512: "" };

/** An empty builder. */
export function buildTree(): TreeBuilder {
  const inodes: Inode[] = [];
  const numbers = new Map<string, number>();
  const put = (path: string, inode: Inode): number => {
    if (inodes.length >= maxTreeEntries)
      throw new Error(`${path}: expected at most ${maxTreeEntries} paths in an image, found more`);
    const number = inodes.push(inode) - 1;
    numbers.set(path, number);
    return number;
  };
  return {
    add: put,
    addFile: (path) => {
      const number = put(path, unstored);
      return (inode) => {
        inodes[number] = inode;
      };
    },
    link: (path, existing) => {
      const number = numbers.get(existing);
      const inode = inodes[number ?? -1];
      if (number === undefined || inode === undefined)
        throw new Error(`${path}: expected a hard link to an earlier member, found ${existing}`);
      if (inode.kind === "directory")
        throw new Error(`${path}: expected a hard link to a file, found the directory ${existing}`);
      numbers.set(path, number);
    },
    finish: (filterLines) => {
      const filter = subFilter(filterLines, agentProtocol);
      const paths = new Map([...numbers].filter(([path]) => !filter.protects(path)));
      const implied: Inode = { kind: "directory", mode: 0o755, uid: 0, gid: 0 };
      for (const ancestor of [...paths.keys()].flatMap(ancestorPaths)) {
        if (!paths.has(ancestor)) paths.set(ancestor, numbers.get(ancestor) ?? inodes.push(implied) - 1);
      }
      return renumber(inodes, paths);
    },
  };
}

function renumber(inodes: readonly Inode[], paths: ReadonlyMap<string, number>): Tree {
  const used: Inode[] = [];
  const renumbered = new Map<number, number>();
  const entries = [...paths]
    .sort(([one], [other]) => comparePaths(one, other))
    .map(([path, number]): [string, number] => {
      let known = renumbered.get(number);
      if (known === undefined) {
        const inode = inodes[number];
        if (inode === undefined || inode === unstored) throw new Error(`no inode for ${path}`);
        known = used.push(inode) - 1;
        renumbered.set(number, known);
      }
      return [path, known];
    });
  return { inodes: used, entries };
}
