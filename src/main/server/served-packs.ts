import type { Config } from "../../contract/config/schema.ts";
import { spreadMirrors } from "../../core/image/object-mirror.ts";
import type { Origin } from "../../dominator/origin/origin.ts";
import type { ServedPacks } from "../../dominator/sub/sub-app-input.ts";

/**
 * The servers of packs for a machine: the mirrors, each machine beginning at another one, then our own. Of a confidential image only our
 * own, over TLS; while that is away, the port for machines, which has no packs.
 */
export function servedPacks(
  { objectMirrors, ports }: Pick<Config, "objectMirrors" | "ports">,
  served: {
    readonly find: ServedPacks["find"];
    readonly images: Pick<Origin, "servedBy">;
    readonly confidential: Pick<Origin, "servedBy">;
  },
): ServedPacks {
  return {
    find: served.find,
    serversFor: (id, image) => {
      if (image.confidential === true) {
        const hasPacks = served.confidential.servedBy() !== undefined;
        return { sources: [], confidential: { port: hasPacks ? ports.confidential : ports.machines, hasPacks } };
      }
      const own = served.images.servedBy() === undefined ? [] : [{ port: ports.images }];
      return { sources: [...spreadMirrors(objectMirrors, id), ...own] };
    },
  };
}
