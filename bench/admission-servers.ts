import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startDhcpServer } from "../src/boot-server/dhcp/server.ts";
import { openPacketLog } from "../src/boot-server/observe/packet-log.ts";
import { credentialFor } from "../src/contract/credential.ts";
import { writePackIndex } from "../src/core/image/pack-index.ts";
import { machineIdFromMac } from "../src/core/machine/life/move.ts";
import { formatIpv4 } from "../src/core/net/ipv4.ts";
import { serverAddresses } from "../src/core/network/network.ts";
import { admitRequest, type RequestRates } from "../src/core/network/request-rate.ts";
import type { Log, Store } from "../src/core/ports.ts";
import { openWaitingNotes } from "../src/core/uplink/waiting-notes.ts";
import { type Origin, openOrigin } from "../src/dominator/origin/origin.ts";
import { sha512Of } from "../src/dominator/storage/sha512.ts";
import { openFetchTurns } from "../src/dominator/sub/fetch-turns.ts";
import { rightOf } from "../src/dominator/sub/right.ts";
import { systemClock as clock } from "../src/main/system-ports.ts";
import { startMachineServer } from "../src/mdb/machine-api/server.ts";
import { openStore } from "../src/mdb/open-store.ts";
import { birthOf, testMac } from "../src/mdb/testing/fleet.ts";
import { openPki, serverFiles } from "../src/mdb/tls/pki.ts";
import type { CrowdOrder } from "./admission-crowd.ts";
import { arrivalConfig, permanentAddressOf, serverAt } from "./arrival-site.ts";

/** The stream that all machines run. */
const stream = "compute";

/** The parts of a server that machines meet when they fetch, and DHCP, in this process as in a server; contents are sent by others. */
export type AdmissionServers = AsyncDisposable & {
  readonly machines: CrowdOrder["machines"];
  readonly caPem: string;
  readonly tlsPort: number;
  /** The port of a content of this many bytes, its path, and who serves it. */
  readonly content: (
    kind: "public" | "confidential",
    bytes: number,
  ) => CrowdOrder["content"] & { readonly servedBy: ReturnType<Origin["servedBy"]> };
  /** What the log warned of, and how often. */
  readonly logged: ReadonlyMap<string, number>;
};

export async function startAdmissionServers(of: {
  readonly directory: string;
  readonly machineCount: number;
  readonly nginx: string | undefined;
}): Promise<AdmissionServers> {
  const { directory, machineCount, nginx } = of;
  const logged = new Map<string, number>();
  const log: Log = (level, message, facts = {}) => {
    const { why, line, reason } = facts;
    const text = [message, why, line, reason].filter((part) => part !== undefined).join(": ");
    if (level === "warn" || level === "error") logged.set(text, (logged.get(text) ?? 0) + 1);
  };
  const config = arrivalConfig({ stateDirectory: directory, nth: 0 });
  const { networks, ports, maxConnectionsPerAddress: connectionsPerAddress, maxRequestsPerMinute: perMinute } = config;
  await using all = new AsyncDisposableStack();
  const store = all.use(await openStore({ path: ":memory:", clock, log }));
  const machines = await bear(store, machineCount);
  const pki = { directory: join(directory, "pki") };
  mkdirSync(pki.directory);
  await openPki({ ...pki, clock, log });
  const objects = join(directory, "objects");
  const streams = join(directory, "streams");
  mkdirSync(objects);
  const addresses = [...new Set(networks.flatMap(serverAddresses))];
  const place = {
    ...{ addresses: addresses.map(formatIpv4), objects, images: join(directory, "images"), nginx, log },
    ...{ connectionsPerAddress, program: new URL("../src/main/server/origin-program.ts", import.meta.url) },
  };
  const origins = {
    public: all.use(await openOrigin({ ...place, port: ports.images, directory: join(directory, "run") })),
    confidential: all.use(
      await openOrigin({
        ...{ ...place, port: ports.confidential, directory: join(directory, "run-confidential") },
        confidential: {
          ...{ streams, tls: serverFiles(pki.directory), requestsPerMinute: perMinute },
          rightOf: (authorization) => rightOf(authorization, store),
        },
      }),
    ),
  };
  const notes = openWaitingNotes({ store, clock, log });
  const turns = openFetchTurns({ store, bootImagesWait: () => false, notes, clock, log });
  const rates: RequestRates = new Map();
  all.use(
    await startMachineServer({
      ...{ addresses, port: ports.machines, pki, apps: [turns.app], connectionsPerAddress, clock, log },
      requestLimit: (from) => admitRequest(rates, from, { perMinute, nowMs: clock.monotonicMs() }),
      machines: () => machineCount,
    }),
  );
  all.use(
    await startDhcpServer({ networks, ports, store, packets: openPacketLog(), maxMachines: 1_000_000, clock, log }),
  );
  const running = all.move();
  return {
    ...{ machines, caPem: readFileSync(join(pki.directory, "ca.pem"), "utf8"), tlsPort: ports.machines, logged },
    content: (kind, bytes) => {
      const pack = writePack(kind === "public" ? objects : join(streams, stream), bytes);
      const port = kind === "public" ? ports.images : ports.confidential;
      return { kind, host: serverAt(0).permanent, port, path: pack, bytes, servedBy: origins[kind].servedBy() };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Healthy machines, each with its agent's credential and the address that it has after its birth. */
async function bear(store: Store, count: number): Promise<CrowdOrder["machines"]> {
  const machines: CrowdOrder["machines"][number][] = [];
  for (let n = 1; n <= count; n += 1) {
    const id = machineIdFromMac(testMac(n));
    const token = credentialFor(id, randomBytes(32).toString("hex"));
    const subTokenHash = createHash("sha256").update(token).digest("hex");
    for (const event of birthOf(n))
      await store.apply(event.kind === "becameHealthy" ? { ...event, subTokenHash, image: `${stream}/1` } : event);
    machines.push({ id, token, address: permanentAddressOf(n - 1) });
  }
  return machines;
}

/** Writes a pack with one content, and returns the path at which it is served. */
function writePack(store: string, bytes: number): string {
  mkdirSync(join(store, "packs"), { recursive: true });
  const content = randomBytes(bytes);
  const index = writePackIndex([{ sha512: sha512Of(content), offset: 0, size: bytes }]);
  const name = sha512Of(index);
  writeFileSync(join(store, "packs", name), content);
  writeFileSync(join(store, "packs", `${name}.index`), index);
  return `/packs/${name}`;
}
