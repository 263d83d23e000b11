import { queuedSizes } from "../../boot-server/boot-server.ts";
import type { UplinkQueue } from "../../boot-server/http/server.ts";
import { openUplinkQueue } from "../../boot-server/http/uplink-queue.ts";
import { uplinkBytesPerSecond } from "../../core/uplink/fetch-queue.ts";
import { openWaitingNotes } from "../../core/uplink/waiting-notes.ts";
import { type FetchTurns, openFetchTurns, type PeerRules } from "../../dominator/sub/fetch-turns.ts";
import { peerKeysAt } from "../../dominator/sub/peer-keys.ts";
import { serverSecret } from "../../mdb/tls/server-secret.ts";
import { pkiOf, type Shared } from "./shared.ts";

const sweepMs = 30_000;

/** Shares the uplink: boot images first, then the system images of as many machines as fill it. */
export function shareUplink(
  shared: Shared,
  files: Parameters<typeof queuedSizes>[0],
  opened: AsyncDisposableStack,
): { readonly uplinkQueue: { readonly uplinkQueue?: UplinkQueue }; readonly fetchTurns: FetchTurns } {
  const { config, store, images, clock, log } = shared;
  const { uplinkMbps, peers: rules } = config;
  const notes = openWaitingNotes({ store, clock, log });
  const secret = serverSecret(pkiOf(shared));
  const peers: PeerRules = {
    keys: () => peerKeysAt(secret, clock.nowMs()),
    // What is not here might be.
    isConfidential: (image) => {
      const found = images.get(image);
      return found === undefined || found.confidential === true;
    },
    upload: rules,
    isRelayed: (network) => config.networks.some(({ name, relay }) => name === network && relay !== undefined),
  };
  const turnsAmong = { store, notes, ...(rules.enabled ? { peers } : {}), clock, log };
  const timer = setInterval(notes.sweep, sweepMs);
  opened.defer(() => clearInterval(timer));
  if (uplinkMbps === undefined)
    return {
      uplinkQueue: {},
      fetchTurns: openFetchTurns({ ...turnsAmong, bootImagesWait: () => false }),
    };
  const bytesPerSecond = uplinkBytesPerSecond(uplinkMbps);
  const uplinkQueue = openUplinkQueue({ bytesPerSecond, sizes: queuedSizes(files), store, notes, clock });
  const bootImagesWait = uplinkQueue.isWaiting;
  const fetchTurns = openFetchTurns({ ...turnsAmong, bytesPerSecond, bootImagesWait });
  return { uplinkQueue: { uplinkQueue }, fetchTurns };
}
