import { type BootFiles, describeSignedLoader, readBootFiles } from "../../boot-server/boot-files.ts";
import { startBootServer } from "../../boot-server/boot-server.ts";
import { othersUpdate } from "../../contract/config/updates.ts";
import { imageFor, imageStreamsOf } from "../../core/image/stream/image-stream.ts";
import { subPolicyFor } from "../../core/image/update/directive.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { signatureFor } from "../../core/network/network.ts";
import { admitRequest, type RequestRates } from "../../core/network/request-rate.ts";
import { startCollections } from "../../dominator/storage/collect/collections.ts";
import { confidentialStores } from "../../dominator/storage/confidential-stores.ts";
import { openObjectStore } from "../../dominator/storage/object-store.ts";
import { objectsHandler } from "../../dominator/storage/objects-handler.ts";
import { finderInStores } from "../../dominator/storage/packs/find-in-packs.ts";
import { startScrub } from "../../dominator/storage/scrub.ts";
import { subApp } from "../../dominator/sub/app.ts";
import { confidentialApp } from "../../dominator/sub/confidential-app.ts";
import { openReboots } from "../../dominator/sub/reboots.ts";
import type { openTaskThread } from "../../dominator/thread/thread.ts";
import { openDominatorExport } from "../../mdb/exports/dominator-export.ts";
import { machineFacingApp } from "../../mdb/machine-api/app.ts";
import { orderIssuer } from "../../mdb/machine-api/issue-order.ts";
import { startMachineServer } from "../../mdb/machine-api/server.ts";
import { openSiblings } from "../../mdb/machine-api/siblings.ts";
import { openSiteServers } from "../../mdb/site-servers.ts";
import { erasureSigner } from "../../mdb/tls/erasure-signer.ts";
import { recoverySigner } from "../../mdb/tls/recovery-signer.ts";
import { challengeKey } from "../../mdb/tls/server-secret.ts";
import { handOutAgent } from "./agent-upgrades.ts";
import { serveConfidential, serveImages } from "./origins.ts";
import { servedPacks } from "./served-packs.ts";
import { shareImages } from "./share-images.ts";
import { shareUplink } from "./share-uplink.ts";
import { addressesOf, contentsIn, pkiOf, type Shared, storesIn } from "./shared.ts";

/** Starts everything that machines talk to. */
export async function startForMachines(
  shared: Shared,
  tasks: ReturnType<typeof openTaskThread>,
  opened: AsyncDisposableStack,
) {
  const { config, paths, store, images, clock, random, log } = shared;
  const { networks, ports, maxMachines, maxRequestsPerMinute: perMinute } = config;
  const { maxConnectionsPerAddress: connectionsPerAddress } = config;
  const rates: RequestRates = new Map();
  const requestLimit = (address: string) => admitRequest(rates, address, { perMinute, nowMs: clock.monotonicMs() });
  const files = await bootFilesFor(shared);
  const objects = await openObjectStore(paths.objects);
  const confidential = confidentialStores(paths.confidentialObjects);
  const copies = shareImages(shared, { objects, confidential }, opened);
  opened.use(startCollections({ stores: storesIn(paths), names: images.names, clock, log }));
  opened.use(startScrub(async () => [objects, ...(await confidential.all())], log));
  const issueOrder = orderIssuer({ store, clock, random, orderSeconds: config.orderSeconds });
  const { diskLoaders } = files;
  const signedLoader = diskLoaders === undefined ? {} : { signedLoader: describeSignedLoader(diskLoaders) };
  const signRecovery = recoverySigner(paths.pki, shared.trust.issuing);
  const signErasure = erasureSigner(paths.pki, shared.trust.issuing);
  const trusted = { signRecovery, signErasure, challengeKey: challengeKey(pkiOf(shared)) };
  const { othersOn, permanentOn } = opened.use(openSiteServers({ store, config, clock, log }));
  const findSuspects = openSiblings(shared.models);
  const machineApp = machineFacingApp({
    ...{ store, config, othersOn, architectureOf: architecturesIn(shared), findSuspects },
    ...{ ...signedLoader, clock, random, log, ...trusted },
  });
  const agentUpgrades = opened.use(
    await handOutAgent({ directory: paths.agent, others: paths.others, objects, store, clock, log }),
  );
  const { caPem } = shared.trust;
  const { uplinkQueue, fetchTurns } = shareUplink(shared, files, opened);
  const packs = servedPacks(config, {
    find: finderInStores(contentsIn(paths)),
    images: opened.use(await serveImages(shared)),
    confidential: opened.use(await serveConfidential(shared)),
  });
  const apps = [
    machineApp,
    subApp({
      ...{ store, images, tasks, packs, caPem, clock, log, agentUpgrades, fetchTurns, mdbsOn: permanentOn },
      reboots: opened.use(openReboots(store)),
      othersUpdate: othersUpdate(config),
      policy: () => subPolicyFor(store.list().length, config.watch.deadlines.up),
    }),
    fetchTurns.app,
    confidentialApp({ store, images, objects, confidential }),
    ...copies.apps,
  ];
  const addresses = addressesOf(config);
  opened.use(
    await startMachineServer({
      ...{ addresses, port: ports.machines, pki: pkiOf(shared) },
      ...{ apps, requestLimit, connectionsPerAddress, clock, log },
      machines: () => store.list().length,
    }),
  );

  // Last, so that a machine gets an answer only when everything is ready to serve it.
  const dominator = opened.use(await openDominatorExport({ store, config: config.exports, clock, log }));
  const handlers = [objectsHandler({ objects, manifests: images, log }), ...dominator.handlers];
  const bootServer = opened.use(
    await startBootServer({
      logPort: config.machineLogs.udpPort,
      ...{ networks, ports, maxMachines, requestLimit, connectionsPerAddress, ...uplinkQueue, ...files },
      ...{ store, issueOrder, handlers, clock, log },
    }),
  );
  return { bootServer, dominator, listImages: copies.listImages, otherLogs: copies.otherLogs };
}

/** Reads the files that machines load before init runs: the signed ones only if a network asks for them. */
function bootFilesFor({ config, paths }: Shared): Promise<BootFiles> {
  const { kernel, initramfs, firmware, loaders: loaderDirectory, others, signedImage } = paths;
  const signatures = new Set(config.networks.map(signatureFor));
  return readBootFiles({
    ...{ kernel, initramfs, firmware, loaderDirectory, others, signedLoaders: signatures.has("debian") },
    ...(signatures.has("own") ? { signedImage } : {}),
  });
}

/** What the image of a rule is for, as a machine would get it now. */
function architecturesIn({ store, images }: Shared) {
  return (image: string, id: MachineId) => images.get(imageFor(imageStreamsOf(store), image, id))?.architecture;
}
