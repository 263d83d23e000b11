import type { ImageSummary } from "../manifest.ts";
import type { Content } from "../update/difference.ts";

/** What the name of an image stands for on all servers of a database, and which of them have it whole. */
export type HeldImage = Pick<ImageSummary, "name" | "createdAtMs" | "entries" | "bytes" | "confidential"> & {
  readonly manifest: Content;
  /** Where the servers that have it give it to others: `ADDRESS:PORT`, TLS. */
  readonly servers: readonly string[];
  /** An operator removed it from all servers: its name is not used again. */
  readonly removed?: true;
};

type Documents = {
  readonly documents: (kind: "image") => readonly { readonly document: HeldImage }[];
};

/** The images of all servers of a database. */
export function heldImagesOf(store: Documents): readonly HeldImage[] {
  return store.documents("image").map(({ document }) => document);
}

/** The document in which the Store keeps an image. */
export function heldImageDocument(held: HeldImage) {
  return { kind: "image", key: held.name, document: held } as const;
}

/** An image of one server, as it is recorded for all. */
export function heldImage(image: ImageSummary, servers: readonly string[]): HeldImage {
  const { name, createdAtMs, entries, bytes, confidential, manifest } = image;
  const { sha512, size } = manifest;
  return {
    ...{ name, createdAtMs, entries, bytes, manifest: { sha512, size }, servers },
    ...(confidential === true ? { confidential } : {}),
  };
}
