import * as host from "host";
import type { Seed, Seeding as SeedingReport } from "../../../core/image/update/directive.ts";
import { remove } from "../../beneath/files.ts";
import { messageOf } from "../../birth/stop.ts";
import type { HttpClient } from "../../system/http.ts";
import { loadManifest } from "../objects/manifest.ts";
import type { ObjectCache } from "../objects/object-cache.ts";
import { agentPaths } from "../paths.ts";
import { isPidOne } from "../pid-one.ts";
import type { SubContext } from "../sub-context.ts";
import { writeContentsTable } from "./contents-table.ts";
import { linkMbpsOf } from "./link-speed.ts";
import { anyAddress, type PeerServer, startPeerServer } from "./peer-server.ts";

/** After a failed start. */
const startAgainMs = 600_000;

/** An installed machine's part in serving its image to others, out of the files of its system, as long as the server asks for it. */
export type Seeding = {
  /** What a poll says of it; undefined while this machine is being born. */
  readonly report: () => SeedingReport | undefined;
  /** Takes what the server asks for, if it does. Never fails. */
  readonly apply: (seed: Seed | undefined) => void;
  /** Ends it at once, before the system changes. */
  readonly stop: () => void;
};

/** Nothing is served yet. */
export function openSeeding(
  context: SubContext,
  { objects, cache }: { readonly objects: HttpClient; readonly cache: Pick<ObjectCache, "isPrivate"> },
): Seeding {
  const { root, log, settings } = context;
  const linkMbps = linkMbpsOf(settings.mac);
  let server: PeerServer | undefined;
  let served = "";
  let startFromMs = Number.NEGATIVE_INFINITY;
  remove(root, agentPaths.contents);

  function stop(): void {
    if (server === undefined) return;
    server.stop();
    server = undefined;
    remove(root, agentPaths.contents);
  }
  function start({ manifest }: Seed): void {
    if (host.monotonicMs() < startFromMs) return;
    try {
      const { tree, confidential } = loadManifest(context, objects, manifest);
      if (confidential === true) throw new Error("a confidential image is not served to other machines");
      const table = writeContentsTable(root, tree);
      server = startPeerServer(context, { address: anyAddress, port: 0, table });
      served = manifest.sha512;
      log("info", "serving the image to other machines", { port: server.port });
    } catch (error) {
      startFromMs = host.monotonicMs() + startAgainMs;
      log("warn", "this machine cannot serve its image to others", { fault: messageOf(error) });
    }
  }
  return {
    stop,
    report: () => {
      if (isPidOne()) return undefined;
      return {
        ...(server === undefined ? {} : { port: server.port }),
        ...(linkMbps === undefined ? {} : { linkMbps }),
      };
    },
    apply: (seed) => {
      if (seed === undefined || cache.isPrivate()) {
        stop();
        return;
      }
      if (served !== seed.manifest.sha512) stop();
      if (server === undefined) start(seed);
      const [key = "", former] = seed.peerKeys;
      const keys = former === undefined ? ([key] as const) : ([key, former] as const);
      // One that has ended is started with the next answer.
      if (server?.set({ keys, bytesPerSecond: seed.uploadBytesPerSecond ?? 0 }) === false) server = undefined;
    },
  };
}
