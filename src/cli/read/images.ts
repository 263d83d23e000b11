import type { Command } from "commander";
import type { ImageView, StreamView } from "../../contract/operator/views.ts";
import { counted, formatCount } from "../../core/bytes/counted.ts";
import { parseImageName } from "../../core/image/image-name.ts";
import { describeImport, type ImportProgress } from "../../core/image/import-progress.ts";
import type { Actions } from "../act/actions.ts";
import { exitStatus, statusOf } from "../api/failure.ts";
import type { ServerOptions } from "../api/server-options.ts";
import { formatBytes } from "../output/figures.ts";
import {
  countColumn,
  inCsv,
  inTables,
  inWide,
  type Listing,
  listOptions,
  printList,
  textColumn,
  timeColumn,
} from "../output/listing.ts";
import { chosenRows, type RowOptions, rowOptions } from "../output/row-options.ts";
import { warn } from "../output/warn.ts";

/** An image and what it is to its stream. */
type ListedImage = ImageView & { readonly use?: string };

/** Adds `image list`: system images, and which version of each stream is current. */
export function imageListCommand(image: Command, actions: Pick<Actions, "listImages">): void {
  const list = image.command("list").description("list the system images, and which version of each stream is current");
  rowOptions(list, imageListing, "images");
  listOptions(list, imageListing).action(async (options: ServerOptions & RowOptions) => {
    const images = chosenRows(imageListing, await listImages(options, actions), options);
    const none = "no system images yet; to import one: birther image import STREAM DIRECTORY";
    await printList(imageListing, { rows: images, none }, options);
  });
}

/** The columns of `image list`. */
export const imageListing: Listing<ListedImage> = {
  named: "name",
  columns: [
    textColumn("name", ({ name }) => name),
    countColumn("paths", ({ entries }) => entries),
    { name: "size", of: ({ bytes }) => formatBytes(bytes), in: inTables },
    countColumn("bytes", ({ bytes }) => bytes, inCsv),
    timeColumn("imported", ({ importedAtMs }) => importedAtMs),
    textColumn("servers", ({ servers }) => servers?.join(" "), inWide),
    {
      name: "use",
      of: ({ use, confidential, notHere }) =>
        [use, confidential === true ? "confidential" : undefined, notHere].filter(Boolean).join("; "),
      value: ({ use }) => use,
    },
    textColumn("confidential", ({ confidential }) => String(confidential === true), inCsv),
    textColumn("notHere", ({ notHere }) => notHere, inCsv),
  ],
};

/** From the server; if none runs here, from the state directory, which does not tell what is current: the MDB does. */
async function listImages(
  options: ServerOptions,
  { listImages: listIn }: Pick<Actions, "listImages">,
): Promise<readonly ListedImage[]> {
  const { openApi } = await import("../api/api.ts");
  try {
    const api = await openApi(options);
    const { images, imports } = await api.ask<{ images: ImageView[]; imports?: ImportProgress[] }>("images");
    for (const one of imports ?? []) warn(describeImport(one));
    const { streams } = await api.ask<{ streams: StreamView[] }>("streams");
    return images.map((image) => ({ ...image, ...useOf(image, streams) }));
  } catch (error) {
    if (statusOf(error) !== exitStatus.noServer) throw error;
    const { findState } = await import("../api/find-server.ts");
    const images = await listIn(await findState(options.state));
    warn("no server runs here, and only the server knows which versions are current; to start it: birther serve");
    return images;
  }
}

function useOf({ name }: ImageView, streams: readonly StreamView[]): { readonly use?: string } {
  const held = streams.find(({ stream }) => stream === parseImageName(name)?.stream);
  if (held === undefined) return {};
  const { current, previous, promotion, machines, onCurrent } = held;
  if (name === current) return { use: `current, run by ${formatCount(onCurrent)} of ${counted(machines, "machine")}` };
  if (name === promotion?.image) return { use: `${promotion.progress.kind} on ${promotion.canary}` };
  return name === previous ? { use: "previous" } : {};
}
