import { missingFromSystem } from "./system-check.ts";
import { measureTree, type Tree } from "./tree.ts";
import type { Content } from "./update/difference.ts";

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

/** What the server keeps of an image in memory: all but its tree, which is large. */
export type ImageSummary = Omit<ImageManifest, "tree"> & {
  /** The stored manifest as bytes, by which a sub fetches it. */
  readonly manifest: Content;
  readonly entries: number;
  /** Content of all files, hard links counted once. */
  readonly bytes: number;
  /** What a machine would need to start and the image lacks (`missingFromSystem`). */
  readonly lacks: readonly string[];
};

/** The summary of a manifest that is stored as these bytes. */
export function summariseImage({ tree, ...image }: ImageManifest, manifest: Content): ImageSummary {
  const { entries, bytes } = measureTree(tree);
  return { ...image, manifest, entries, bytes, lacks: missingFromSystem(tree) };
}
