import { describeSignedLoader, readBootFiles } from "../../boot-server/boot-files.ts";
import { startBootServer } from "../../boot-server/boot-server.ts";
import { checkInterfaces } from "../../boot-server/socket/check-interfaces.ts";
import type { Config } from "../../contract/config/schema.ts";
import { serverAddresses } from "../../core/network/network.ts";
import type { Clock, Log, Random, Store } from "../../core/ports.ts";
import { openImageStore } from "../../dominator/storage/image-store.ts";
import { viewImages } from "../../dominator/storage/image-views.ts";
import { openObjectStore } from "../../dominator/storage/object-store.ts";
import { objectsHandler } from "../../dominator/storage/objects-handler.ts";
import { subApp } from "../../dominator/sub/app.ts";
import { openTaskThread } from "../../dominator/thread/thread.ts";
import { openDominatorExport } from "../../mdb/exports/dominator-export.ts";
import { openExports } from "../../mdb/exports/exports.ts";
import { readyChecks } from "../../mdb/exports/ready-checks.ts";
import { meterStore } from "../../mdb/exports/store-meter.ts";
import { machineFacingApp } from "../../mdb/machine-api/app.ts";
import { orderIssuer } from "../../mdb/machine-api/issue-order.ts";
import { startMachineServer } from "../../mdb/machine-api/server.ts";
import { operatorApp } from "../../mdb/operator-api/app.ts";
import { backupsIn } from "../../mdb/operator-api/backup-stream.ts";
import { tokensIn } from "../../mdb/operator-api/caller/tokens.ts";
import { startOperatorServer, startOperatorTls } from "../../mdb/operator-api/server.ts";
import { operatorCertificate } from "../../mdb/tls/operator-certificate.ts";
import { openWatch, watchRulesOf } from "../../mdb/watch/open-watch.ts";
import { pathsIn } from "../paths.ts";
import { systemClock, systemRandom } from "../system-ports.ts";
import { version } from "../version.ts";
import { openState } from "./state.ts";

export type RunningServer = AsyncDisposable & {
  readonly store: Store;
  /** The operators' socket, where `birther machines` and the other verbs find the server. */
  readonly operatorSocket: string;
};

/**
 * Starts MDB, Boot Server and Dominator for these networks. Needs the files that `prepareServer` made in the state
 * directory, and no network but the machines'. Throws, with nothing left running, when a part cannot start.
 */
export async function startServer(options: {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Makes what is missing in the state directory, once the directory belongs to this process. */
  readonly prepare?: () => Promise<void>;
}): Promise<RunningServer> {
  const { config, log, clock = systemClock, random = systemRandom } = options;
  const { networks, ports } = config;
  const paths = pathsIn(config.stateDirectory);
  await checkInterfaces(networks);

  await using opened = new AsyncDisposableStack();
  const { store: database } = opened.use(await openState({ config, clock, log }));
  const { store, meter } = meterStore(database, clock);
  await options.prepare?.();
  const { secureLoaders, ...imageFiles } = paths;
  const signed = networks.some(({ secureBoot }) => secureBoot);
  const files = await readBootFiles(signed ? { ...imageFiles, secureLoaders } : imageFiles);
  const tasks = opened.use(openTaskThread());
  const images = await openImageStore(paths.images, { tasks, log });
  const objects = await openObjectStore(paths.objects);
  const issueOrder = orderIssuer({ store, clock, random, orderSeconds: config.orderSeconds });
  const addresses = [...new Set(networks.flatMap(serverAddresses))];

  const watchRules = watchRulesOf(config);
  const { diskLoaders } = files;
  const signedLoader = diskLoaders === undefined ? {} : { signedLoader: describeSignedLoader(diskLoaders) };
  const machineApp = machineFacingApp({ store, config, ...signedLoader, clock, random, log });
  const apps = [machineApp, subApp({ store, images, tasks, log })];
  opened.use(await startMachineServer({ addresses, port: ports.machines, pkiDirectory: paths.pki, apps, clock, log }));

  // Last, so that a machine gets an answer only when everything is ready to serve it.
  const { maxMachines, uplinkMbps } = config;
  const budget = uplinkMbps === undefined ? {} : { uplinkMbps };
  const dominator = opened.use(await openDominatorExport({ store, config: config.exports, clock, log }));
  const handlers = [objectsHandler({ objects, manifests: images, log }), ...dominator.handlers];
  const bootServer = opened.use(
    await startBootServer({
      networks,
      ports,
      maxMachines,
      ...budget,
      ...files,
      store,
      issueOrder,
      handlers,
      clock,
      log,
    }),
  );
  opened.use(await openWatch({ store, config, rules: watchRules, clock, random, log }));
  const { networks: networkViews, packetsOf, traffic } = bootServer;
  const { stateDirectory } = config;
  const checks = readyChecks({
    ...{ stateDirectory, addresses, ports, networks: networkViews, store, meter, clock },
    files: [paths.kernel, paths.initramfs],
  });
  const exports = opened.use(
    openExports({
      ...{ store, clock, version, dominator, boot: { networks: networkViews, traffic }, meter, checks },
      deadlineSeconds: watchRules.deadlineSeconds,
    }),
  );
  const tokens = tokensIn({ store, clock, random, log });
  const app = operatorApp({
    ...{
      store,
      clock,
      log,
      version,
      packetsOf,
      networks: networkViews,
      exports,
      blastRadius: config.blastRadius,
      tokens,
    },
    deadlineSeconds: watchRules.deadlineSeconds,
    images: async () => {
      await images.refresh();
      return viewImages(images);
    },
    backup: backupsIn(stateDirectory, database),
  });
  opened.use(await startOperatorServer({ path: paths.operatorSocket, app, log }));
  const certificate = operatorCertificate({ config: config.operators, pkiDirectory: paths.pki, clock, log });
  const { addresses: operatorAddresses } = config.operators;
  opened.use(await startOperatorTls({ addresses: operatorAddresses, port: ports.operators, certificate, app, log }));

  const running = opened.move();
  return {
    store,
    operatorSocket: paths.operatorSocket,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
