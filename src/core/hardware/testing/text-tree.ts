import type { Tree } from "../system-tree.ts";

/** A tree from paths and texts; a text that begins with `-> ` is a link. */
export function treeOf(files: { readonly [path: string]: string }): Tree {
  const paths = Object.keys(files);
  return {
    text: (path) => files[path] ?? "",
    list: (directory) => [
      ...new Set(
        paths
          .filter((path) => path.startsWith(`${directory}/`))
          .map((path) => path.slice(directory.length + 1).split("/")[0] ?? ""),
      ),
    ],
    target: (path) => /^-> (.*)$/.exec(files[path] ?? "")?.[1] ?? "",
  };
}
