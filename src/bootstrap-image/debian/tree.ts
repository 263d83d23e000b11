import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * The place of a file in unpacked packages, by its path below `usr`: Debian 12 still ships some files to `/bin`, `/sbin` and
 * `/lib`.
 */
export function inTree(tree: string, path: string): string {
  const merged = join(tree, path);
  return existsSync(merged) ? merged : join(tree, path.replace(/^usr\//, ""));
}
