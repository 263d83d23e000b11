import type { Filter } from "../filter.ts";
import type { Tree } from "../tree.ts";

/** Where the modules of a kernel may be, in the order in which they are looked for. */
export function moduleDirectories(version: string): readonly string[] {
  return [`/usr/lib/modules/${version}`, `/lib/modules/${version}`];
}

/** Whether an image has modules for a kernel of this version. */
export function hasModules(tree: Tree, version: string): boolean {
  const directories = moduleDirectories(version);
  return tree.entries.some(([path]) => directories.includes(path));
}

/**
 * The same filter, which also protects the modules of a kernel: the running one needs them until another one is confirmed, or the
 * machine would go back to a kernel without a network driver.
 */
export function keepingModules(filter: Filter, version: string): Filter {
  const directories = moduleDirectories(version);
  const isInside = (path: string) => directories.some((top) => path === top || path.startsWith(`${top}/`));
  return {
    matches: (path) => directories.includes(path) || filter.matches(path),
    protects: (path) => isInside(path) || filter.protects(path),
  };
}
