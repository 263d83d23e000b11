import type { UpdateStep } from "../update/update-step.ts";

/** What is at a path after an update: a content that it places, what is there now, another kind of file, or nothing. */
export type Content =
  | { readonly kind: "object"; readonly sha512: string; readonly size: number }
  | { readonly kind: "kept" }
  | { readonly kind: "other" }
  | { readonly kind: "gone" };

/** What is at a path after the steps of an update; the last step that names the path decides. */
export function contentAfter(steps: readonly UpdateStep[], path: string): Content {
  const last = [...steps].reverse().find((step) => step.path === path && changesContent(step));
  switch (last?.kind) {
    case "placeFile":
      return { kind: "object", sha512: last.sha512, size: last.size };
    case "placeLink": {
      // The file that it links to is placed by an earlier step, or is there already.
      const before = steps.slice(0, steps.lastIndexOf(last));
      return contentAfter(before, last.existing).kind === "kept"
        ? { kind: "other" }
        : contentAfter(before, last.existing);
    }
    case "removeFile":
    case "removeDirectory":
      return { kind: "gone" };
    case "placeSymlink":
    case "placeSpecial":
    case "makeDirectory":
      return { kind: "other" };
    default:
      return { kind: "kept" };
  }
}

function changesContent({ kind }: UpdateStep): boolean {
  return kind !== "keepObject" && kind !== "setMetadata";
}

/** The names in a directory after the steps of an update, from those that are there now. */
export function namesAfter(
  steps: readonly UpdateStep[],
  directory: string,
  names: readonly string[],
): readonly string[] {
  const inside = (path: string) => path.startsWith(`${directory}/`) && !path.slice(directory.length + 1).includes("/");
  const named = steps.flatMap(({ path }) => (inside(path) ? [path.slice(directory.length + 1)] : []));
  return [...new Set([...names, ...named])].filter(
    (name) => contentAfter(steps, `${directory}/${name}`).kind !== "gone",
  );
}
