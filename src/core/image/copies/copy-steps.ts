import type { ImageSummary } from "../manifest.ts";
import { type HeldImage, heldImage } from "./held-image.ts";

/** What a server does so that the images of all servers of its database are the same. */
export type CopyStep =
  /** Record the image, with this server among those that have it. `before` is the record that was decided on. */
  | { readonly kind: "record"; readonly held: HeldImage; readonly before: HeldImage | undefined }
  /** Fetch the image. `instead`: something else has its name here, and must not be lost. */
  | { readonly kind: "copy"; readonly held: HeldImage; readonly instead?: true }
  /** Another image had this name before, and no server has it any more: the one here gets the next name. */
  | { readonly kind: "rename"; readonly name: string }
  /** An operator removed the image: forget what is here of it. */
  | { readonly kind: "remove"; readonly name: string }
  /** No server has it any more. */
  | { readonly kind: "lost"; readonly name: string };

/**
 * Compares the images that are recorded for all servers with those of this one. The record of a name is the truth: where
 * this server has something else under that name, it fetches what is recorded.
 */
export function copySteps({
  recorded,
  here,
  unreadable,
  self,
}: {
  readonly recorded: readonly HeldImage[];
  readonly here: readonly ImageSummary[];
  /** Names of images here whose manifests cannot be read. */
  readonly unreadable: readonly string[];
  /** This server's place in `HeldImage.servers`. */
  readonly self: string;
}): readonly CopyStep[] {
  const records = new Map(recorded.map((held) => [held.name, held]));
  const local = new Map(here.map((image) => [image.name, image]));
  const unrecorded = here
    .filter(({ name }) => !records.has(name))
    .map((image): CopyStep => ({ kind: "record", held: heldImage(image, [self]), before: undefined }));
  const settled = recorded.flatMap((held): readonly CopyStep[] => {
    const image = local.get(held.name);
    if (held.removed === true) {
      if (image?.manifest.sha512 === held.manifest.sha512) return [{ kind: "remove", name: held.name }];
      return image === undefined ? [] : [{ kind: "rename", name: held.name }];
    }
    const isListed = held.servers.includes(self);
    const others = held.servers.filter((server) => server !== self);
    if (image?.manifest.sha512 === held.manifest.sha512)
      return isListed ? [] : [{ kind: "record", held: { ...held, servers: [...held.servers, self] }, before: held }];
    const withdrawn: readonly CopyStep[] = isListed
      ? [{ kind: "record", held: { ...held, servers: others }, before: held }]
      : [];
    if (others.length === 0) return [...withdrawn, { kind: image === undefined ? "lost" : "rename", name: held.name }];
    const isTaken = image !== undefined || unreadable.includes(held.name);
    return [...withdrawn, { kind: "copy", held: { ...held, servers: others }, ...(isTaken ? { instead: true } : {}) }];
  });
  return [...unrecorded, ...settled];
}
