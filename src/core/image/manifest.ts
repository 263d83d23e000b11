import type { Tree } from "./tree.ts";

/** A system image: all but the contents of its files, which are objects of the store. */
export type ImageManifest = {
  /** `compute/7`; never given to another image. */
  readonly name: string;
  readonly createdAtMs: number;
  /** Where it came from, for people. */
  readonly source: string;
  /** What is never touched on a sub that gets this image; syntax in filter.ts. */
  readonly filter: readonly string[];
  readonly tree: Tree;
};
