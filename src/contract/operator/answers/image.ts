/** The answers about system images and their streams. */
import * as v from "valibot";
import { aspects, maxNamedPaths } from "../../../core/image/catalogue/image-difference.ts";
import type { ImportProgress } from "../../../core/image/import-progress.ts";
import { count } from "../../bounded-values.ts";
import { pinnedShape } from "../../same.ts";
import type { CollectedView, DifferenceView, ImageDetails, ImageView, StreamView } from "../views.ts";
import { text, timeMs } from "./values.ts";

const image = pinnedShape<ImageView>()(
  v.strictObject({
    ...{ name: text, entries: count, bytes: count, importedAtMs: timeMs },
    confidential: v.exactOptional(
      v.pipe(v.literal(true), v.description("only machines of its stream get its contents")),
    ),
    servers: v.exactOptional(
      v.pipe(v.array(text), v.description("the servers that have it; absent where the database is not shared")),
    ),
    notHere: v.exactOptional(v.pipe(text, v.description("why this server does not have it yet"))),
  }),
);

const machinesUsing = v.strictObject({
  count,
  first: v.pipe(v.array(text), v.description("the first of them by name")),
});

export const imageDetailsAnswer = pinnedShape<ImageDetails>()(
  v.strictObject({
    ...image.entries,
    ...{ source: text, directories: count, files: count, symlinks: count, special: count },
    hardLinks: v.pipe(count, v.description("paths that are another name of a file")),
    objects: v.pipe(count, v.description("different contents; `bytes` is their size")),
    kernels: v.pipe(v.array(text), v.description("kernels with an initrd, newest first")),
    attributes: v.pipe(
      v.array(v.strictObject({ name: text, files: count })),
      v.description("extended attributes, with the number of files that have one"),
    ),
    shared: v.pipe(
      v.array(v.strictObject({ name: text, bytes: count })),
      v.description("near versions of the stream, and the bytes of the contents that both have"),
    ),
    inStream: v.exactOptional(v.picklist(["current", "previous", "tried"])),
    inRules: v.exactOptional(v.pipe(v.literal(true), v.description("image rules name exactly this version"))),
    requiredBy: v.pipe(machinesUsing, v.description("machines that require it, or are planned or forced to run it")),
    runBy: machinesUsing,
  }),
);

export const differenceAnswer = pinnedShape<DifferenceView>()(
  v.strictObject({
    ...{ from: text, to: text, added: count, removed: count, changed: count },
    fetch: v.pipe(
      v.strictObject({ objects: count, bytes: count }),
      v.description("what a machine with the first image fetches for the second"),
    ),
    paths: v.pipe(
      v.array(
        v.strictObject({
          path: text,
          change: v.picklist(["added", "removed", "changed"]),
          what: v.exactOptional(v.array(v.picklist(aspects))),
        }),
      ),
      v.description(`the first ${maxNamedPaths} of them`),
    ),
  }),
);

export const collectedAnswer = pinnedShape<CollectedView>()(
  v.strictObject({
    ...{ objects: count, bytes: count },
    movedBytes: v.pipe(count, v.description("needed bytes that were written again, because they lay among others")),
    leftBytes: v.pipe(count, v.description("not needed either; removing them would cost more than it frees")),
    dryRun: v.boolean(),
  }),
);

export const removedAnswer = v.strictObject({ removed: text });

export const streamAnswer = pinnedShape<StreamView>()(
  v.strictObject({
    stream: text,
    current: v.pipe(text, v.description("the version that newborns get, such as compute/3")),
    previous: v.exactOptional(text),
    by: text,
    atMs: timeMs,
    moving: v.exactOptional(v.pipe(v.literal(true), v.description("the machines are still being given the version"))),
    machines: v.pipe(count, v.description("machines that follow the stream")),
    onCurrent: v.pipe(count, v.description("how many of them run the current version")),
    promotion: v.exactOptional(
      v.strictObject({
        image: text,
        by: text,
        atMs: timeMs,
        canary: v.pipe(text, v.description("the machine that tries the version first")),
        progress: v.strictObject({ kind: v.picklist(["waiting", "succeeded", "failed"]), reason: text }),
      }),
    ),
  }),
);
export const streamsAnswer = v.strictObject({ streams: v.array(streamAnswer) });

/** An import of a system image that runs. */
export const importProgress = pinnedShape<ImportProgress>()(
  v.strictObject({
    stream: text,
    ...{ paths: count, doneBytes: count },
    totalBytes: v.pipe(count, v.description("the size of the source")),
    ...{ startedAtMs: timeMs, atMs: timeMs },
  }),
);
export const imagesAnswer = v.strictObject({
  images: v.array(image),
  imports: v.pipe(v.array(importProgress), v.description("imports that run, as this server last heard")),
});
