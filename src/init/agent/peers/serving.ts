import * as host from "host";
import type { FetchTurnRequest } from "../../../contract/fetch-turn.ts";
import type { FetchTurn } from "../../../core/uplink/fetch-turn.ts";
import { messageOf } from "../../birth/stop.ts";
import type { ObjectCache } from "../objects/object-cache.ts";
import type { SubContext } from "../sub-context.ts";
import { linkMbpsOf } from "./link-speed.ts";
import { anyAddress, type PeerServer, startPeerServer } from "./peer-server.ts";

/** After a failed start. */
const startAgainMs = 60_000;

/** This machine's part in serving others what it has fetched. */
export type Serving = {
  /** What a request for the turn says of it; starts the server if that is to be. */
  readonly offer: () => Pick<FetchTurnRequest, "peerPort" | "linkMbps">;
  /** Takes whom to serve, and how fast. Without keys, what is fetched now is never served: it may belong to a confidential image. */
  readonly apply: (turn: Extract<FetchTurn, { kind: "go" }>) => void;
  /** Whether others can be served. */
  readonly isOpen: () => boolean;
  /** Ends it at once: those who are served go on with another source. */
  readonly stop: () => void;
};

/** Nothing is served before the first offer. */
export function openServing(
  context: Pick<SubContext, "root" | "log" | "settings">,
  cache: Pick<ObjectCache, "isPrivate" | "keepPrivate">,
): Serving {
  const { log, settings } = context;
  const linkMbps = linkMbpsOf(settings.mac);
  let server: PeerServer | undefined;
  let startFromMs = Number.NEGATIVE_INFINITY;

  function start(): PeerServer | undefined {
    if (host.monotonicMs() < startFromMs) return undefined;
    try {
      return startPeerServer(context, { address: anyAddress, port: 0 });
    } catch (error) {
      startFromMs = host.monotonicMs() + startAgainMs;
      log("warn", "this machine cannot serve others", { fault: messageOf(error) });
      return undefined;
    }
  }
  function stop(): void {
    server?.stop();
    server = undefined;
  }
  return {
    stop,
    isOpen: () => server !== undefined,
    offer: () => {
      if (cache.isPrivate()) stop();
      else server ??= start();
      if (server === undefined) return {};
      return { peerPort: server.port, ...(linkMbps === undefined ? {} : { linkMbps }) };
    },
    apply: ({ peerKeys: [key, former] = [], uploadBytesPerSecond = 0 }) => {
      if (key === undefined) {
        stop();
        cache.keepPrivate();
        return;
      }
      const keys = former === undefined ? ([key] as const) : ([key, former] as const);
      // One that has ended is started with the next offer.
      if (server?.set({ keys, bytesPerSecond: uploadBytesPerSecond }) === false) server = undefined;
    },
  };
}
