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
  /**
   * Begins a layer over what is there (OCI image-spec, layer.md): later calls add to it until it ends, and whiteouts remove
   * only what is below it.
   */
  readonly startLayer: () => Layer;
  /** The tree without what the filter protects; implied directories belong to root and have mode 0755. */
  readonly finish: (filterLines: readonly string[]) => Tree;
};

/** A layer that is being added. */
export type Layer = {
  /** Removes a path and everything in it from the layers below. */
  readonly whiteOut: (path: string) => void;
  /** Removes everything in a directory from the layers below; `/` is the root. */
  readonly empty: (directory: string) => void;
  /** Puts the layer over those below. */
  readonly end: () => void;
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
  let numbers = new Map<string, number>();
  /** The paths below the layer that is being added. */
  let below = new Map<string, number>();
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
      const number = numbers.get(existing) ?? below.get(existing);
      const inode = inodes[number ?? -1];
      if (number === undefined || inode === undefined)
        throw new Error(`${path}: expected a hard link to an earlier member, found ${existing}`);
      if (inode.kind === "directory")
        throw new Error(`${path}: expected a hard link to a file, found the directory ${existing}`);
      numbers.set(path, number);
    },
    startLayer: () => {
      below = numbers;
      numbers = new Map();
      const removed = new Set<string>();
      const emptied = new Set<string>();
      const covers = (path: string) => {
        const number = numbers.get(path);
        return removed.has(path) || (number !== undefined && inodes[number]?.kind !== "directory");
      };
      const isHidden = (path: string) =>
        emptied.has("/") ||
        removed.has(path) ||
        ancestorPaths(path).some((above) => covers(above) || emptied.has(above));
      return {
        whiteOut: (path) => void removed.add(path),
        empty: (directory) => void emptied.add(directory),
        end: () => {
          const kept = [...below].filter(([path]) => !isHidden(path));
          numbers = new Map([...kept, ...numbers]);
          below = new Map();
        },
      };
    },
    finish: (filterLines) => {
      const filter = subFilter(filterLines, agentProtocol);
      const paths = new Map([...numbers].filter(([path]) => !filter.protects(path)));
      const implied: Inode = { kind: "directory", mode: 0o755, uid: 0, gid: 0 };
      for (const path of [...paths.keys()])
        for (const above of ancestorPaths(path)) {
          const number = paths.get(above) ?? numbers.get(above) ?? inodes.push(implied) - 1;
          const kind = inodes[number]?.kind;
          if (kind !== "directory") throw new Error(`${path}: expected the directory ${above}, found a ${kind}`);
          paths.set(above, number);
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
