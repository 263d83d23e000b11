import type { ImageView } from "../../contract/operator/views.ts";
import type { ImageSummary } from "../../core/image/manifest.ts";
import type { ImageStore } from "./image-store.ts";

/** The images as operators see them, by name. */
export function viewImages(images: ImageStore): ImageView[] {
  return images
    .names()
    .map((name) => images.get(name))
    .filter((image) => image !== undefined)
    .map(viewImage)
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

/** An image as operators see it. */
export function viewImage({
  name,
  createdAtMs,
  entries,
  bytes,
  confidential,
}: Pick<ImageSummary, "name" | "createdAtMs" | "entries" | "bytes" | "confidential">): ImageView {
  const secrecy = confidential === true ? ({ confidential } as const) : {};
  return { name, entries, bytes, importedAtMs: createdAtMs, ...secrecy };
}
