import type { ImageView } from "../../contract/operator/views.ts";
import { measureTree } from "../../core/image/tree.ts";
import { type ImageStore, openImageStore } from "../../dominator/storage/image-store.ts";

/** The image store of a running server; `birther image import` is another process, so there is a way to look again. */
export type FreshImages = {
  readonly store: ImageStore;
  /** Takes up what was imported since. Does not read manifests when there is nothing new. */
  readonly refresh: () => Promise<ImageStore>;
};

/** Opens the images in a directory. */
export async function openFreshImages(directory: string): Promise<FreshImages> {
  const store = await openImageStore(directory);
  return {
    store,
    refresh: async () => {
      await store.refresh();
      return store;
    },
  };
}

/** The images as operators see them, by name. */
export function viewImages(images: ImageStore): ImageView[] {
  return images
    .names()
    .map((name) => images.get(name))
    .filter((image) => image !== undefined)
    .map(({ name, createdAtMs, tree }) => {
      const { entries, bytes } = measureTree(tree);
      return { name, entries, bytes, importedAtMs: createdAtMs };
    })
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}
