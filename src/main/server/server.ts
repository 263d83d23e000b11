import type { Hono } from "hono";
import { type BootFiles, describeSignedLoader, readBootFiles } from "../../boot-server/boot-files.ts";
import { type BootServer, queuedSizes, startBootServer } from "../../boot-server/boot-server.ts";
import type { UplinkQueue } from "../../boot-server/http/server.ts";
import { openUplinkQueue } from "../../boot-server/http/uplink-queue.ts";
import { checkInterfaces } from "../../boot-server/socket/check-interfaces.ts";
import type { Config } from "../../contract/config/schema.ts";
import { othersUpdate } from "../../contract/config/updates.ts";
import { imageFor, imageStreamsOf } from "../../core/image/stream/image-stream.ts";
import { subPolicyFor } from "../../core/image/update/directive.ts";
import type { DeadlineRules } from "../../core/machine/health/stall-detection.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import { serverAddresses, signatureFor } from "../../core/network/network.ts";
import { admitRequest, type RequestRates } from "../../core/network/request-rate.ts";
import type { Clock, Log, Random, Store } from "../../core/ports.ts";
import { type PlannedSlot, planSlots } from "../../core/site/site-plan.ts";
import { uplinkBytesPerSecond } from "../../core/uplink/fetch-queue.ts";
import { openWaitingNotes } from "../../core/uplink/waiting-notes.ts";
import { type Copies, openCopies } from "../../dominator/copies/copies.ts";
import { copyApp } from "../../dominator/copies/copy-app.ts";
import { type OtherLogs, openOtherLogs } from "../../dominator/copies/other-logs.ts";
import { type Origin, openOrigin } from "../../dominator/origin/origin.ts";
import { collectInThread } from "../../dominator/storage/collect/collect-thread.ts";
import { startCollections } from "../../dominator/storage/collect/collections.ts";
import { type ConfidentialStores, confidentialStores } from "../../dominator/storage/confidential-stores.ts";
import { openCatalogue } from "../../dominator/storage/image-catalogue.ts";
import { type ImageStore, openImageStore } from "../../dominator/storage/image-store.ts";
import { viewImages } from "../../dominator/storage/image-views.ts";
import { type ObjectStore, openObjectStore } from "../../dominator/storage/object-store.ts";
import { objectsHandler } from "../../dominator/storage/objects-handler.ts";
import { finderInStores, type StoreDirectories } from "../../dominator/storage/packs/find-in-packs.ts";
import { startScrub } from "../../dominator/storage/scrub.ts";
import { subApp } from "../../dominator/sub/app.ts";
import { confidentialApp } from "../../dominator/sub/confidential-app.ts";
import { type FetchTurns, openFetchTurns, type PeerRules } from "../../dominator/sub/fetch-turns.ts";
import { peerKeysAt } from "../../dominator/sub/peer-keys.ts";
import { openReboots } from "../../dominator/sub/reboots.ts";
import { rightOf } from "../../dominator/sub/right.ts";
import { openTaskThread } from "../../dominator/thread/thread.ts";
import { openDominatorExport } from "../../mdb/exports/dominator-export.ts";
import { openExports } from "../../mdb/exports/exports.ts";
import { readyChecks } from "../../mdb/exports/ready-checks.ts";
import { meterStore } from "../../mdb/exports/store-meter.ts";
import { adoptImports, settleStreams } from "../../mdb/image-streams/first-current.ts";
import { machineFacingApp } from "../../mdb/machine-api/app.ts";
import { orderIssuer } from "../../mdb/machine-api/issue-order.ts";
import { startMachineServer } from "../../mdb/machine-api/server.ts";
import { openSiblings } from "../../mdb/machine-api/siblings.ts";
import { type Models, modelsOf } from "../../mdb/models.ts";
import { operatorApp } from "../../mdb/operator-api/app.ts";
import { backupsIn } from "../../mdb/operator-api/backup-stream.ts";
import { callersIn } from "../../mdb/operator-api/caller/callers.ts";
import { startOperatorServer, startOperatorTls } from "../../mdb/operator-api/server.ts";
import { openSiteServers, siteServerKey } from "../../mdb/site-servers.ts";
import type { Trust } from "../../mdb/tls/authority.ts";
import { erasureSigner } from "../../mdb/tls/erasure-signer.ts";
import { operatorCertificate } from "../../mdb/tls/operator-certificate.ts";
import { openPki, type PkiPlace, serverFiles } from "../../mdb/tls/pki.ts";
import { recoverySigner } from "../../mdb/tls/recovery-signer.ts";
import { challengeKey, serverSecret } from "../../mdb/tls/server-secret.ts";
import { openWatch, watchRulesOf } from "../../mdb/watch/open-watch.ts";
import { openActTaker } from "../acts/take-acts.ts";
import { dashboardAddress } from "../dashboard/address.ts";
import { dashboardPages } from "../dashboard/pages.ts";
import { pathsIn } from "../paths.ts";
import { systemClock, systemRandom } from "../system-ports.ts";
import { version } from "../version.ts";
import { handOutAgent } from "./agent-upgrades.ts";
import { servedPacks } from "./served-packs.ts";
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
  /** Makes what is missing in the state directory, once it belongs to this process; machines trust `caPem`. */
  readonly prepare?: (caPem: string) => Promise<void>;
  /** Where browsers find the dashboard, if not at this computer's addresses. */
  readonly dashboardBases?: readonly string[];
}): Promise<RunningServer> {
  const { config, log, clock = systemClock, random = systemRandom } = options;
  const paths = pathsIn(config.stateDirectory);
  await checkInterfaces(config.networks);

  await using opened = new AsyncDisposableStack();
  const { store: database, trust } = opened.use(await openState({ config, clock, log }));
  const { store, meter } = meterStore(database, clock);
  await options.prepare?.(trust.caPem);
  const tasks = opened.use(openTaskThread(contentsIn(paths)));
  const images = await openImageStore(paths.images, { tasks, log });
  // Also those that cannot be read: no machine moves back to the version before.
  await settleStreams({ store, clock, log }, images.known());
  const shared: Shared = { config, paths, trust, store, models: modelsOf(store), images, clock, random, log };
  // Before packets arrive: reading the whole fleet takes a moment. It also ends after the Boot Server does, and so
  // hears of what arrives last.
  opened.use(await openWatch({ store, config, rules: watchRulesOf(config), clock, random, log }));
  const { look: takeActs } = opened.use(await openActTaker({ directory: paths.acts, store, log }));
  const { bootServer, dominator, listImages, otherLogs } = await startForMachines(shared, tasks, opened);
  const { networks, traffic } = bootServer;
  const boot = { networks, traffic };
  const checks = readyChecks({
    ...{ stateDirectory: config.stateDirectory, addresses: addressesOf(config), ports: config.ports },
    ...{ networks, store, meter, clock, files: [paths.kernel, paths.initramfs] },
  });
  const exports = opened.use(
    openExports({
      store,
      clock,
      version,
      dominator,
      boot,
      meter,
      checks,
      plan: planOf(config),
      ...deadlineRulesOf(config),
    }),
  );
  const backup = backupsIn(config.stateDirectory, database);
  const { dashboardBases: bases } = options;
  await startForOperators(
    shared,
    { bootServer, exports, backup, takeActs, listImages, otherLogs, tasks, bases },
    opened,
  );

  const running = opened.move();
  return {
    store,
    operatorSocket: paths.operatorSocket,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The slots that the configuration expects. */
function planOf({ site, placement }: Config): readonly PlannedSlot[] {
  return site === undefined ? [] : planSlots(site, placement.rules);
}

/** What the parts of a server share. */
type Shared = {
  readonly config: Config;
  readonly paths: ReturnType<typeof pathsIn>;
  readonly trust: Trust;
  readonly store: Store;
  readonly models: Models;
  readonly images: ImageStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

function pkiOf({ paths, trust }: Shared): PkiPlace {
  return { directory: paths.pki, issuing: trust.issuing };
}

function addressesOf({ networks }: Config): readonly Ipv4[] {
  return [...new Set(networks.flatMap(serverAddresses))];
}

function deadlineRulesOf(config: Config): DeadlineRules {
  const { deadlineSeconds } = watchRulesOf(config);
  return { deadlineSeconds, othersUpdate: othersUpdate(config) };
}

/** Where images and their contents are. */
function storesIn({ images, objects, confidentialObjects }: Shared["paths"]) {
  return { images, objects, confidentialObjects };
}

function contentsIn({ objects, confidentialObjects }: Shared["paths"]): StoreDirectories {
  return { objects, confidential: confidentialObjects };
}

/** Starts everything that machines talk to. */
async function startForMachines(
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

/** Serves public images on a port of their own, outside this process. */
function serveImages(shared: Shared): Promise<Origin> {
  const { config, paths } = shared;
  return openOrigin({
    ...placeOfOrigin(shared),
    ...{ port: config.ports.images, directory: paths.origin },
  });
}

/** Serves confidential images in the same way over TLS; this process decides who may read. */
async function serveConfidential(shared: Shared): Promise<Origin> {
  const { config, paths, store, clock, log } = shared;
  // Makes the certificate if it is missing; later the server for machines renews it.
  await openPki({ ...pkiOf(shared), clock, log });
  return await openOrigin({
    ...placeOfOrigin(shared),
    ...{ port: config.ports.confidential, directory: paths.confidentialOrigin },
    confidential: {
      ...{ streams: paths.confidentialObjects, tls: serverFiles(paths.pki) },
      rightOf: (authorization) => rightOf(authorization, store),
      requestsPerMinute: config.maxRequestsPerMinute,
    },
  });
}

function placeOfOrigin({ config, paths, log }: Shared) {
  return {
    ...{ addresses: addressesOf(config).map(formatIpv4), objects: paths.objects, images: paths.images, log },
    connectionsPerAddress: config.maxConnectionsPerAddress,
    program: new URL("./origin-program.ts", import.meta.url),
  };
}

const sweepMs = 30_000;

/** Shares the uplink: boot images first, then the system images of as many machines as fill it. */
function shareUplink(
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

/** Shares the images with the other servers, where the database is one that several servers can use. */
function shareImages(
  shared: Shared,
  stores: { readonly objects: ObjectStore; readonly confidential: ConfidentialStores },
  opened: AsyncDisposableStack,
): { readonly apps: readonly Hono[]; readonly listImages: Copies["images"]; readonly otherLogs?: OtherLogs } {
  const { config, paths, store, images, clock, log } = shared;
  const [address] = addressesOf(config);
  const [first] = config.networks;
  if (config.database === undefined || address === undefined || first === undefined) {
    const listImages = async () => {
      await images.refresh();
      return viewImages(images);
    };
    return { apps: [], listImages };
  }
  const secret = serverSecret(pkiOf(shared));
  const copies = opened.use(
    openCopies({
      ...{ store, images, confidential: stores.confidential, secret, caPem: shared.trust.caPem, clock, log },
      ...{ objects: paths.objects, confidentialObjects: paths.confidentialObjects },
      self: `${formatIpv4(address)}:${config.ports.machines}`,
    }),
  );
  const logs = openOtherLogs({
    store,
    self: siteServerKey(first, config.ports.machines),
    secret,
    caPem: shared.trust.caPem,
    clock,
  });
  const app = copyApp({ images, ...stores, secret, readLog: store.readLog });
  return { apps: [app], listImages: copies.images, otherLogs: logs };
}

/** Starts the operators' API on its socket and over TLS. */
async function startForOperators(
  shared: Shared,
  parts: {
    readonly bootServer: BootServer;
    readonly exports: ReturnType<typeof openExports>;
    readonly backup: ReturnType<typeof backupsIn>;
    readonly takeActs: () => Promise<void>;
    readonly listImages: Copies["images"];
    readonly otherLogs: OtherLogs | undefined;
    readonly tasks: ReturnType<typeof openTaskThread>;
    readonly bases: readonly string[] | undefined;
  },
  opened: AsyncDisposableStack,
): Promise<void> {
  const { config, paths, store, models, images, clock, random, log } = shared;
  const { networks, packetsOf } = parts.bootServer;
  const { tokens, sessions } = callersIn({ store, clock, random, log });
  const { blastRadius } = config;
  const ending = new AbortController();
  const certificate = operatorCertificate({ config: config.operators, pki: pkiOf(shared), clock, log });
  const { addresses, names } = config.operators;
  const pages = dashboardPages(log);
  const app = operatorApp({
    dashboardAddress: () =>
      dashboardAddress({ addresses, names, port: config.ports.operators, certificate, bases: parts.bases }),
    ...{ store, models, clock, log, version, packetsOf, networks, blastRadius, tokens, sessions },
    ...deadlineRulesOf(config),
    ...{
      exports: parts.exports,
      backup: parts.backup,
      takeActs: parts.takeActs,
      ending: ending.signal,
      otherLogs: parts.otherLogs,
    },
    plan: planOf(config),
    catalogue: {
      ...openCatalogue({ images, store, tasks: parts.tasks }),
      collect: (isDryRun) =>
        collectInThread({ ...storesIn(paths), isDryRun, olderThanMs: Number.POSITIVE_INFINITY }, ending.signal),
      isInRules: (name) => config.images.some(({ image }) => image === name),
    },
    images: async () => {
      const views = await parts.listImages();
      await adoptImports({ store, clock, log }, images.known());
      return views;
    },
  });
  opened.use(await startOperatorServer({ path: paths.operatorSocket, app, log }));
  opened.use(await startOperatorTls({ addresses, port: config.ports.operators, certificate, app, pages, log }));
  // Before the listeners close, so that feeds end properly.
  opened.defer(() => ending.abort());
}
