/** Which contents of a tree an update can keep, and how often it places each. */
import type { UpdateStep } from "../../../core/image/update/update-step.ts";

/**
 * Whether the file at a path can become the file of this content: it is going, and the content is placed once, on the same file
 * system. Then an update that moves a file costs a rename; anything else, such as a program with rights, is copied.
 */
export function keepableByLink(
  steps: readonly UpdateStep[],
  isElsewhere: (path: string) => boolean,
): (path: string, sha512: string) => boolean {
  const going = new Set(steps.flatMap(({ kind, path }) => (endsFile.has(kind) ? [path] : [])));
  const targets = new Map<string, readonly string[]>();
  for (const step of steps)
    if (step.kind === "placeFile") targets.set(step.sha512, [...(targets.get(step.sha512) ?? []), step.path]);
  return (path, sha512) => {
    const [target, ...more] = targets.get(sha512) ?? [];
    return going.has(path) && target !== undefined && more.length === 0 && !isElsewhere(path) && !isElsewhere(target);
  };
}

/** Steps after which the file that was at their path has lost that name. */
const endsFile: ReadonlySet<UpdateStep["kind"]> = new Set([
  "removeFile",
  "placeFile",
  "placeLink",
  "placeSymlink",
  "placeSpecial",
]);

/** How many files each content becomes, by its SHA-512. */
export function countUses(steps: readonly UpdateStep[]): Map<string, number> {
  const uses = new Map<string, number>();
  for (const step of steps) {
    if (step.kind === "placeFile" && step.size > 0) uses.set(step.sha512, (uses.get(step.sha512) ?? 0) + 1);
  }
  return uses;
}
