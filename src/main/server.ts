import { mkdir } from "node:fs/promises";
import { startDhcpServer } from "../boot-server/dhcp-server.ts";
import { type FileSent, startHttpServer } from "../boot-server/http-server.ts";
import { bootScriptHandler } from "../boot-server/script-handler.ts";
import { startTftpServer } from "../boot-server/tftp-server.ts";
import type { Config } from "../contract/config.ts";
import type { Phase } from "../core/machine/record.ts";
import { formatIpv4 } from "../core/net/ipv4.ts";
import type { Clock, Log, Random, Store } from "../core/ports.ts";
import { serverAddresses } from "../core/pxe/network.ts";
import { openObjectStore } from "../dominator/object-store.ts";
import { objectsHandler } from "../dominator/objects-handler.ts";
import { subApp } from "../dominator/sub-app.ts";
import { orderIssuer } from "../mdb/issue-order.ts";
import { machineFacingApp } from "../mdb/machine-app.ts";
import { openStore } from "../mdb/open-store.ts";
import { operatorApp } from "../mdb/operator-app.ts";
import { readBootFiles } from "./boot-files.ts";
import { openFreshImages, viewImages } from "./fresh-images.ts";
import { startMachineServer } from "./machine-server.ts";
import { startOperatorServer } from "./operator-server.ts";
import { placesIn } from "./places.ts";
import { systemClock, systemRandom } from "./system-ports.ts";
import { version } from "./version.ts";

export type RunningServer = AsyncDisposable & {
  readonly store: Store;
  /** Where `birther machines` and the like find it. */
  readonly operatorSocket: string;
};

/**
 * Starts everything for these networks: MDB, Boot Server, Dominator. Needs what `prepareServer` made in the state
 * directory, and no other network than the machines'. Throws, with nothing left running, when a part cannot start.
 */
export async function startServer(options: {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}): Promise<RunningServer> {
  const { config, log, clock = systemClock, random = systemRandom } = options;
  const { networks, ports } = config;
  const places = placesIn(config.stateDirectory);
  await mkdir(config.stateDirectory, { recursive: true, mode: 0o700 });

  await using opened = new AsyncDisposableStack();
  // First, as it is the lock: a second server on this state directory ends here.
  const store = opened.use(await openStore({ path: places.database, clock, log }));
  const files = await readBootFiles(places);
  const images = await openFreshImages(places.images);
  const objects = await openObjectStore(places.objects);
  const issueOrder = orderIssuer({ store, clock, random, orderSeconds: config.orderSeconds });
  const addresses = networks.flatMap(serverAddresses);

  const app = operatorApp({ store, clock, log, version, images: async () => viewImages(await images.refresh()) });
  opened.use(await startOperatorServer({ path: places.operatorSocket, app, log }));
  const machineApp = machineFacingApp({ store, config, clock, random, log });
  const apps = [machineApp, subApp({ store, images: images.store, log })];
  opened.use(await startMachineServer({ addresses, port: ports.machines, pkiDirectory: places.pki, apps, clock, log }));

  /** Files go to addresses; the record says whose they are. */
  const seen = (client: string, phase: Phase, durationMs: number, detail: string) => {
    const machine = store.find(client);
    if (machine === undefined || machine.state === "healthy" || machine.state === "unknown") return;
    store
      .apply({ kind: "phaseSeen", id: machine.id, phase, durationMs, detail })
      .catch((cause: unknown) => log("error", "a phase could not be recorded", { machine: machine.id, phase, cause }));
  };
  opened.use(
    await startHttpServer({
      addresses: addresses.map(formatIpv4),
      port: ports.http,
      files: files.http,
      handlers: [bootScriptHandler({ networks, ports, store, issueOrder, log }), objectsHandler({ objects, log })],
      onSent: ({ clientAddress, path, durationMs }: FileSent) => {
        const phase = files.phaseOf(path);
        if (phase !== undefined) seen(clientAddress, phase, durationMs, path);
      },
      log,
    }),
  );
  opened.use(
    await startTftpServer({
      addresses: addresses.map(formatIpv4),
      files: files.tftp,
      onSent: (client, file, durationMs) => seen(client, "loaderSent", durationMs, file),
      clock,
      log,
    }),
  );
  // Last: a machine is answered only when all is there that the answer leads to.
  for (const network of networks) opened.use(await startDhcpServer({ network, ports, store, clock, log }));

  const running = opened.move();
  return {
    store,
    operatorSocket: places.operatorSocket,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
