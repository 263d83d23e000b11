import type { SeenInode } from "../../../core/image/tree.ts";
import type { UpdateStep } from "../../../core/image/update/update-step.ts";
import type { Identity } from "../scan/identity.ts";
import type { Scan } from "../scan/scan.ts";

/** What is at the paths of an update: what the scan saw, and then what the update has put there. */
export type SeenPaths = {
  readonly at: (path: string) => Identity | undefined;
  readonly put: (path: string, identity: Identity | undefined) => void;
  /** A regular file that the scan saw. */
  readonly contentAt: (path: string) => Extract<SeenInode, { kind: "regular" }> | undefined;
  /** Other names that the scan saw of the same file, and that no step of the update is about. */
  readonly othersOf: (path: string) => readonly string[];
};

/** Knows the paths of these steps, and the other names of their files. */
export function seenPaths({ tree, identities }: Scan, steps: readonly UpdateStep[]): SeenPaths {
  const touched = new Set(
    steps.flatMap((step) => (step.kind === "placeLink" ? [step.path, step.existing] : [step.path])),
  );
  const numbers = new Map<string, number>();
  for (const [path, number] of tree.entries) if (touched.has(path)) numbers.set(path, number);
  const others = otherNames(new Set(numbers.values()), tree.entries, touched);
  const now = new Map<string, Identity | undefined>();
  for (const path of [...touched, ...[...others.values()].flat()]) now.set(path, undefined);
  for (const [path, number] of tree.entries) if (now.has(path)) now.set(path, identities[number]);
  return {
    at: (path) => now.get(path),
    put: (path, identity) => void now.set(path, identity),
    contentAt: (path) => {
      const inode = tree.inodes[numbers.get(path) ?? 0];
      return inode?.kind === "regular" ? inode : undefined;
    },
    othersOf: (path) => others.get(numbers.get(path) ?? 0) ?? [],
  };
}

/** Once for all steps: a user can give one file as many names as the file system allows. */
function otherNames(
  wanted: ReadonlySet<number>,
  entries: Scan["tree"]["entries"],
  touched: ReadonlySet<string>,
): ReadonlyMap<number, readonly string[]> {
  const names = new Map<number, string[]>();
  for (const [path, number] of entries) {
    if (number === 0 || !wanted.has(number) || touched.has(path)) continue;
    const found = names.get(number);
    if (found === undefined) names.set(number, [path]);
    else found.push(path);
  }
  return names;
}
