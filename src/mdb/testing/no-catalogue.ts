import { describeContents } from "../../core/image/catalogue/contents.ts";
import { diffImages } from "../../core/image/catalogue/image-difference.ts";
import type { Tree } from "../../core/image/tree.ts";
import type { ImageCatalogue } from "../operator-api/handler.ts";

const here = "compute/1";
const empty: Tree = { inodes: [], entries: [] };

/** The catalogue of a server that has the manifest of compute/1 only, which is empty; what is removed is noted. */
export function noCatalogue(removed: string[] = []): ImageCatalogue {
  return {
    contents: async (name) =>
      name === here ? { ...describeContents({ source: "test", tree: empty }), shared: [] } : undefined,
    difference: async (from, to) => (from === here && to === here ? diffImages(empty, empty) : undefined),
    collect: async () => ({ kind: "collected", objects: 2, bytes: 30, movedBytes: 0, leftBytes: 4 }),
    isInRules: () => false,
    remove: async (name) => void removed.push(name),
  };
}
