import type { MachineArchitecture } from "../machine/architecture.ts";
import { architectureOfSystem, missingFromSystem } from "./system-check.ts";
import { measureTree, type Tree } from "./tree.ts";
import type { Content } from "./update/difference.ts";

/** A system image without the contents of its files, which are objects of the store. */
export type ImageManifest = {
  /** `compute/7`; never reused for another image. */
  readonly name: string;
  readonly createdAtMs: number;
  /** Where the image came from, for people. */
  readonly source: string;
  /** Filter lines of the paths that are never touched on a sub of this image (filter.ts). */
  readonly filter: readonly string[];
  /** Manifest and contents are given only to machines that are to run an image of its stream. */
  readonly confidential?: true;
  /** The tree says which extended attributes its files have. Otherwise those of a machine are left alone. */
  readonly attributes?: true;
  readonly tree: Tree;
};

/** The part of an image that the server keeps in memory: everything except its tree, which is large. */
export type ImageSummary = Omit<ImageManifest, "tree"> & {
  /** Hash and size of the stored manifest, by which a sub fetches it. */
  readonly manifest: Content;
  readonly entries: number;
  /** Total size of all files; hard links count once. */
  readonly bytes: number;
  /** What the image lacks for a machine to start (`missingFromSystem`). */
  readonly lacks: readonly string[];
  /** What its programs are for; undefined if its tree does not say. */
  readonly architecture?: MachineArchitecture;
};

/** The summary of a manifest that is stored as these bytes. */
export function summariseImage({ tree, ...image }: ImageManifest, manifest: Content): ImageSummary {
  const { entries, bytes } = measureTree(tree);
  const architecture = architectureOfSystem(tree);
  const summary = { ...image, manifest, entries, bytes, lacks: missingFromSystem(tree) };
  return architecture === undefined ? summary : { ...summary, architecture };
}
