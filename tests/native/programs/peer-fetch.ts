// Fetches contents from a peer as birther-agent does; prints one JSON object. Arguments: root, peer and contents as JSON.
import * as host from "host";
import type { Content } from "../../../src/core/image/update/difference.ts";
import { openObjectCache } from "../../../src/init/agent/objects/object-cache.ts";
import { fetchFromPeer, type Peer } from "../../../src/init/agent/peers/fetch-from-peer.ts";
import { startPeerServer } from "../../../src/init/agent/peers/peer-server.ts";
import type { SubContext } from "../../../src/init/agent/sub-context.ts";

const [, root = "", text = "{}"] = scriptArgs;
const { peer, wanted, serves, again } = JSON.parse(text) as {
  readonly peer: Peer;
  readonly wanted: readonly Content[];
  /** Whether to serve its own store meanwhile, and fetch from that. */
  readonly serves: boolean;
  /** Whether to ask again for what is missing. */
  readonly again: boolean;
};
const context = { root, alive: () => undefined, log: () => undefined } as unknown as SubContext;
const cache = openObjectCache(context);
const server = serves ? startPeerServer(context, { address: peer.address, port: 0 }) : undefined;
const wasSet = server?.set({ keys: [peer.key], bytesPerSecond: 0 });
const startMs = host.monotonicMs();
const from = server === undefined ? peer : { ...peer, port: server.port };
function fetch(): ReturnType<typeof fetchFromPeer> & { readonly own?: string } {
  try {
    return fetchFromPeer(context, cache, { peer: from, wanted });
  } catch (error) {
    return { stored: 0, own: error instanceof Error ? error.message : String(error) };
  }
}
const result = fetch();
const second = again ? fetchFromPeer(context, cache, { peer: from, wanted: wanted.slice(result.stored) }) : undefined;
const tookMs = host.monotonicMs() - startMs;
server?.stop();
const isSetAfterStop = server?.set({ keys: [], bytesPerSecond: 0 });
print(JSON.stringify({ ...result, second, tookMs, wasSet, isSetAfterStop, there: cache.verified().length }));
