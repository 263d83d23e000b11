import { type ImageName, parseImageName } from "../../core/image/image-name.ts";
import { followedStream, type ImageStream, imageStreamsOf } from "../../core/image/stream/image-stream.ts";
import { firstCurrent } from "../../core/image/stream/promotion.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { forEachInTurns } from "../turns.ts";
import { moveMachines, writeStream } from "./move-machines.ts";

/** Who the audit names for what a server does by itself. */
const by = "server";

type Deps = {
  readonly store: Pick<Store, "documents" | "replaceDocument" | "apply" | "list">;
  readonly clock: Clock;
  readonly log: Log;
};

/**
 * Gives each stream that has none its current version: after the first import of the stream, and in a state directory of a
 * Birther that knew no current versions, the newest one, so that no machine moves.
 */
export async function adoptImports(deps: Deps, images: readonly string[]): Promise<void> {
  const imported = images.flatMap((name) => parseImageName(name) ?? []);
  const settled = new Set(imageStreamsOf(deps.store).map(({ stream }) => stream));
  for (const stream of new Set(imported.map((image) => image.stream))) {
    if (!settled.has(stream)) await makeFirstCurrent(deps, stream, imported);
  }
}

/** At the start of a server: `adoptImports`, and the end of every promotion that the end of a server interrupted. */
export async function settleStreams(deps: Deps, images: readonly string[]): Promise<void> {
  await adoptImports(deps, images);
  for (const { stream } of imageStreamsOf(deps.store)) await moveMachines(deps.store, stream);
}

async function makeFirstCurrent(
  { store, clock, log }: Deps,
  stream: string,
  imported: readonly ImageName[],
): Promise<void> {
  const running: ImageName[] = [];
  await forEachInTurns([...store.list()], (machine) => {
    const { runningImage } = machine;
    if (runningImage === undefined || followedStream(machine) !== stream) return;
    const image = parseImageName(runningImage);
    if (image !== undefined) running.push(image);
  });
  const current = firstCurrent(stream, [...imported, ...running]);
  if (current === undefined) return;
  const held: ImageStream = { ...{ stream, current, by, atMs: clock.nowMs() }, moving: true };
  if ((await writeStream(store, held, { before: undefined, by })) === "overtaken") return;
  log("info", "the first version of a stream is current", { image: `${stream}/${current}` });
  await moveMachines(store, stream);
}
