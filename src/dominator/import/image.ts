import { machineFilterLines } from "../../core/image/filter.ts";
import type { ImageSummary } from "../../core/image/manifest.ts";
import { missingFromSystem } from "../../core/image/system-check.ts";
import type { ImageStore } from "../storage/image-store.ts";
import { holdContents } from "../storage/store-lock.ts";
import type { ImportInput } from "./input.ts";
import { importTree } from "./tree.ts";

/**
 * Imports a directory or tar archive as the next version of each of these streams, with the filter that protects what
 * belongs to a machine. The contents are stored once. Throws when the source cannot be read, lacks what a machine needs
 * to start, or a stream's name is unusable.
 */
export async function importImages(
  input: Omit<ImportInput, "filter"> & {
    readonly images: ImageStore;
    readonly streams: readonly string[];
    readonly nowMs: number;
    /** The contents are in the store of the stream (storage/confidential-stores.ts). */
    readonly confidential?: true;
    /** Where the image came from, for people, if not from the path of the source. */
    readonly origin?: string;
    /** Called if a collection of unneeded contents is under way, which is waited for. */
    readonly onWait?: () => void;
  },
): Promise<readonly ImageSummary[]> {
  const { images, streams, nowMs, source, confidential, origin = source } = input;
  const secrecy = confidential === undefined ? {} : { confidential };
  const filter = machineFilterLines;
  // Until the manifests are there: they name contents that may have been there before, and needed by nothing.
  using _held = await holdContents(input.objects.directory, { signal: input.signal, onWait: input.onWait });
  const tree = await importTree({ ...input, filter });
  const missing = missingFromSystem(tree);
  if (missing.length > 0)
    throw new Error(
      `${source}: expected a whole system that a machine can start, found one that lacks ${missing.join(", ")}; ` +
        "nothing was imported. To make a whole one, use mmdebstrap with linux-image-amd64, systemd-sysv and initramfs-tools",
    );
  const added: ImageSummary[] = [];
  for (const stream of streams)
    added.push(
      await images.add(stream, { createdAtMs: nowMs, source: origin, filter, ...secrecy, attributes: true, tree }),
    );
  return added;
}
