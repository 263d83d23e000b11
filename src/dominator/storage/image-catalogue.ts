import type { ImageDifference } from "../../core/image/catalogue/image-difference.ts";
import { type HeldImage, heldImage, heldImageDocument, heldImagesOf } from "../../core/image/copies/held-image.ts";
import { parseImageName } from "../../core/image/image-name.ts";
import type { Store } from "../../core/ports.ts";
import type { DescribedImage, DominatorTasks } from "../thread/tasks.ts";
import type { ImageStore } from "./image-store.ts";

/** What the images of a server consist of. Undefined for an image that this server does not have. */
export type Catalogue = {
  readonly contents: (name: string) => Promise<DescribedImage | undefined>;
  readonly difference: (from: string, to: string) => Promise<ImageDifference | undefined>;
  /** Removes an image for good. The record of it tells the other servers of the database, and the audit who did it. */
  readonly remove: (name: string, by: string) => Promise<void>;
};

/** Versions that an image is compared with: each costs as much as reading its manifest. */
const maxCompared = 5;

/** Opens the catalogue of a server's images. */
export function openCatalogue(input: {
  readonly images: ImageStore;
  readonly tasks: Pick<DominatorTasks, "describe" | "diff">;
  readonly store: Pick<Store, "documents" | "replaceDocument">;
}): Catalogue {
  const { images, tasks, store } = input;
  const named = (name: string) => ({ name, path: images.pathOf(name) });
  const isHere = (name: string) => images.get(name) !== undefined;
  return {
    contents: async (name) =>
      isHere(name) ? await tasks.describe(named(name), nearest(name, images.names()).map(named)) : undefined,
    difference: async (from, to) => (isHere(from) && isHere(to) ? await tasks.diff(named(from), named(to)) : undefined),
    remove: async (name, by) => {
      const recorded = heldImagesOf(store).find((held) => held.name === name);
      const image = images.get(name);
      const held: HeldImage | undefined = recorded ?? (image && heldImage(image, []));
      if (held === undefined) return;
      await store.replaceDocument({ ...heldImageDocument({ ...held, removed: true }), by, onlyIf: () => true });
      await images.remove(name);
    },
  };
}

/** Other versions of the stream, the nearest first. */
function nearest(name: string, names: readonly string[]): readonly string[] {
  const own = parseImageName(name);
  if (own === undefined) return [];
  const distance = (other: string) => Math.abs((parseImageName(other)?.version ?? 0) - own.version);
  return names
    .filter((other) => other !== name && parseImageName(other)?.stream === own.stream)
    .sort((one, other) => distance(one) - distance(other))
    .slice(0, maxCompared);
}
