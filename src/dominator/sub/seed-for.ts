import type { Seed, UpgradeAgent } from "../../core/image/update/directive.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { ImageStore } from "../storage/image-store.ts";
import type { SmallPoll } from "../thread/read-poll.ts";
import type { SentDirective } from "./events.ts";
import type { FetchTurns } from "./fetch-turns.ts";

type SeedParts = {
  readonly images: Pick<ImageStore, "get">;
  readonly fetchTurns?: Pick<FetchTurns, "seed" | "seedsNoMore" | "restarts">;
  readonly othersUpdate?: boolean;
};

/**
 * How a machine that has nothing to do serves its image to others; undefined if it does not. Whatever the answer makes it stop, nobody
 * is sent to it from now on (src/init/agent/mdb/session.ts).
 */
export function seedFor(
  { images, fetchTurns, othersUpdate = false }: SeedParts,
  at: { readonly machine: Machine; readonly poll: SmallPoll; readonly sent: SentDirective | UpgradeAgent },
): Seed | undefined {
  const { machine, poll, sent } = at;
  const { id, requiredImage } = machine;
  const image = requiredImage === undefined ? undefined : images.get(requiredImage);
  const { seeding, running, patchedImage } = poll;
  const isIdle = sent.kind === "wait" && sent.upToDate === true && running === "image" && !othersUpdate;
  if (isIdle && seeding !== undefined && image !== undefined) return fetchTurns?.seed(machine, { image, seeding });
  const isRestart = sent.kind === "reboot" || sent.kind === "upgradeAgent";
  if (isRestart || (sent.kind === "update" && running === "image")) fetchTurns?.restarts(id);
  else if (sent.kind !== "compare") fetchTurns?.seedsNoMore(id);
  // A comparison changes nothing, and takes minutes: what it was asked to serve, it serves on.
  else if (seeding?.port !== undefined && image !== undefined && patchedImage === image.name)
    fetchTurns?.seed(machine, { image, seeding });
  return undefined;
}
