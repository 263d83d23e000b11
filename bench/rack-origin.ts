import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { credentialFor } from "../src/contract/credential.ts";
import type { Content } from "../src/core/image/update/difference.ts";
import type { Machine, MachineId } from "../src/core/machine/record.ts";
import { testMachine } from "../src/core/machine/testing/test-machine.ts";
import { ip } from "../src/core/net/testing/addresses.ts";
import { openWaitingNotes } from "../src/core/uplink/waiting-notes.ts";
import { openObjectStore } from "../src/dominator/storage/object-store.ts";
import { objectsHandler } from "../src/dominator/storage/objects-handler.ts";
import { openFetchTurns } from "../src/dominator/sub/fetch-turns.ts";
import { peerKeysAt } from "../src/dominator/sub/peer-keys.ts";
import { issue, makeAuthority } from "../tests/native/certificates.ts";
import { addressOf, originAddress } from "./rack-network.ts";

/** The server of the rack: the real turns to fetch, and the real object server. Its records are made up. */
export type RackOrigin = AsyncDisposable & {
  readonly caPem: string;
  /** Ports at its address. */
  readonly tlsPort: number;
  readonly httpPort: number;
  readonly machines: readonly { readonly id: MachineId; readonly token: string }[];
};

/** Sizes like those of a Debian system: 55 KB on the average, most files small, most bytes in large ones. */
const sizes: readonly (readonly [count: number, bytes: number])[] = [
  [40, 4096],
  [20, 16_384],
  [10, 65_536],
  [4, 262_144],
  [1, 2_097_152],
];

/** Contents of about this many bytes in all, stored as objects. */
export async function storeContents(directory: string, bytes: number): Promise<readonly Content[]> {
  const objects = await openObjectStore(directory);
  const contents: Content[] = [];
  let total = 0;
  while (total < bytes)
    for (const [count, size] of sizes)
      for (let i = 0; i < count; i += 1) {
        contents.push(await objects.add([randomBytes(size)]));
        total += size;
      }
  return contents;
}

/** Serves the contents to this many machines of one rack. */
export async function startOrigin(directory: string, count: number, uplinkMbps: number): Promise<RackOrigin> {
  const machines = Array.from({ length: count }, (_, number) => {
    const id = `m-5254000000${(16 + number).toString(16)}` as MachineId;
    return { id, token: credentialFor(id, randomBytes(32).toString("hex")) };
  });
  const records = new Map<MachineId, Machine>(
    machines.map(({ id, token }, number) => {
      const subTokenHash = createHash("sha256").update(token).digest("hex");
      const permanentAddress = ip(addressOf(number));
      return [id, testMachine("healthy", { id, requiredImage: "compute/1", subTokenHash, permanentAddress })];
    }),
  );
  const store = {
    get: (id: MachineId) => records.get(id),
    list: () => [...records.values()],
    watch: () => () => undefined,
    noteProgress: () => undefined,
    unreadableWith: () => undefined,
    // The records stay as they are.
    apply: async () => ({
      kind: "refused" as const,
      refusal: { kind: "wrongState" as const, message: "a benchmark has fixed records", next: "nothing" },
    }),
  };
  const clock = { monotonicMs: () => performance.now() };
  const log = () => undefined;
  const secret = randomBytes(32).toString("hex");
  const peers = { keys: () => peerKeysAt(secret, Date.now()), isConfidential: () => false };
  const notes = openWaitingNotes({ store, clock, log });
  const bytesPerSecond = uplinkMbps * 125_000;
  const turns = openFetchTurns({ store, bytesPerSecond, bootImagesWait: () => false, notes, peers, clock, log });
  const authority = await makeAuthority("bench CA");
  const tls = createAdaptorServer({
    ...{ fetch: turns.app.fetch, createServer: createHttpsServer },
    serverOptions: await issue(authority, "birther"),
  });
  const objects = await openObjectStore(directory);
  const handler = objectsHandler({ objects, manifests: { findManifest: () => undefined }, log });
  const http = createServer((request, response) => {
    if (!handler(request, response)) response.writeHead(404).end();
  });
  for (const server of [tls, http])
    await new Promise<void>((resolve) => server.listen(0, originAddress, () => resolve()));
  const portOf = (server: typeof tls | typeof http) => (server.address() as AddressInfo).port;
  return {
    ...{ caPem: authority.pem, tlsPort: portOf(tls), httpPort: portOf(http), machines },
    [Symbol.asyncDispose]: async () => {
      for (const server of [tls, http]) {
        if ("closeAllConnections" in server) server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}
