import { parseImageName } from "../../core/image/image-name.ts";
import type { FoundManifest, ImageStore } from "./image-store.ts";

/** The manifests of images; with `refresh`, another process may add some. */
export type Manifests = Pick<ImageStore, "findManifest"> & Partial<Pick<ImageStore, "refresh">>;

/**
 * The manifest with this hash, if it is public or belongs to the stream; without a stream only a public one. Looks again for one that is
 * not known.
 */
export async function manifestFor(
  stream: string | undefined,
  sha512: string,
  manifests: Manifests,
): Promise<FoundManifest | undefined> {
  if (manifests.findManifest(sha512) === undefined) await manifests.refresh?.();
  const found = manifests.findManifest(sha512);
  if (found === undefined || found.image.confidential !== true) return found;
  return stream !== undefined && parseImageName(found.image.name)?.stream === stream ? found : undefined;
}
