import { openAddressBook } from "../../boot-server/dhcp/address-book.ts";
import { dhcpAnswers } from "../../boot-server/dhcp/answer.ts";
import { openLocalBoots } from "../../boot-server/dhcp/local-boots.ts";
import { newNetworkStatus } from "../../boot-server/dhcp/network-status.ts";
import { openSeenRequests } from "../../boot-server/dhcp/seen-requests.ts";
import { bootScriptWriter } from "../../boot-server/http/script-handler.ts";
import { openUplinkQueue } from "../../boot-server/http/uplink-queue.ts";
import { phaseReporter } from "../../boot-server/observe/phase-reporter.ts";
import type { Config } from "../../contract/config/schema.ts";
import { othersUpdate } from "../../contract/config/updates.ts";
import { formatImageName, isStreamName } from "../../core/image/image-name.ts";
import { spreadMirrors } from "../../core/image/object-mirror.ts";
import { subPolicyFor } from "../../core/image/update/directive.ts";
import { noAddress, parseIpv4 } from "../../core/net/ipv4.ts";
import type { Network } from "../../core/network/network.ts";
import type { Clock, Log, Random, Store } from "../../core/ports.ts";
import { imagePaths, lastImagePath } from "../../core/pxe/script/ipxe.ts";
import { uplinkBytesPerSecond } from "../../core/uplink/fetch-queue.ts";
import { openWaitingNotes } from "../../core/uplink/waiting-notes.ts";
import { subApp } from "../../dominator/sub/app.ts";
import { openFetchTurns } from "../../dominator/sub/fetch-turns.ts";
import { readPoll } from "../../dominator/thread/read-poll.ts";
import type { MachineRequest, ServerPort, Site, SiteDeps } from "../../fleet/ports.ts";
import { settleStreams } from "../../mdb/image-streams/first-current.ts";
import { machineFacingApp } from "../../mdb/machine-api/app.ts";
import { orderIssuer } from "../../mdb/machine-api/issue-order.ts";
import { type OpenStore, storeOn } from "../../mdb/open-store.ts";
import { openSiteServers } from "../../mdb/site-servers.ts";
import { startInterval } from "../../mdb/timer.ts";
import { openFleetWatch } from "../../mdb/watch/fleet-watch.ts";
import { watchRulesOf } from "../../mdb/watch/open-watch.ts";
import { askApps } from "./ask-apps.ts";
import { type SimulatedImage, simulatedImage } from "./image.ts";
import { SimulatedDatabase } from "./journal.ts";
import { type Operator, openOperator } from "./promote.ts";

type SiteOptions = {
  /** The configuration of each server: they differ in their own addresses. */
  readonly configs: readonly Config[];
  readonly imageBytes: number;
  readonly kernelBytes: number;
  readonly initramfsBytes: number;
  /** Versions of each stream of the image rules; 0: the name of a stream is that of its only image. */
  readonly versions: number;
};

/** The real code of a site's servers, in virtual time: everything that decides, without sockets, files and threads. */
export function openSimulatedSite(options: SiteOptions, deps: SiteDeps): Site {
  const { configs, imageBytes } = options;
  const logged = new Map<string, number>();
  const operators: Operator[] = [];
  let moves = 0;
  const moved = () => {
    moves += 1;
  };
  const log: Log = (level, message) => {
    if (level === "warn" || level === "error") logged.set(message, (logged.get(message) ?? 0) + 1);
  };
  const startTimer: Clock["startTimer"] = (afterMs, act) =>
    deps.clock.startTimer?.(afterMs, () => {
      moved();
      act();
    }) ?? (() => {});
  const clock: Clock = { ...deps.clock, startTimer };
  const database = new SimulatedDatabase(clock, deps.commitMs);
  const [config] = configs;
  const nurseries = (config?.networks ?? []).filter(({ nursery }) => nursery).map(({ name }) => name);
  return {
    nurseries,
    imageBytes,
    progress: () => {
      if (operators.some(({ isBusy }) => isBusy())) moved();
      return moves;
    },
    logged: () => logged,
    open: async (nth) => {
      moved();
      const own = configs[nth];
      if (own === undefined) throw new Error(`server ${nth + 1}: expected a configuration, found none`);
      const { journal, close } = database.connect(nth, configs.length === 1);
      const opened = storeOn({ journal, clock, log, othersUpdate: othersUpdate(own) });
      const store = movingStore(await opened.finally(moved), moved);
      store.watch((change) => deps.changed(nth, change));
      const operator = operatorOf({ ...options, config: own, store, clock });
      operators.push(operator);
      if (options.versions > 0) void settleStreams({ store, clock, log }, imageNames(own, 1)).finally(moved);
      const { promote } = operator;
      return openServer({ ...options, config: own, store, clock, random: deps.random, log, moved, close, promote });
    },
  };
}

/** A store that counts what happens, so that the simulation knows when nothing moves any more. */
function movingStore(store: OpenStore, moved: () => void): OpenStore {
  return {
    ...store,
    apply: (event, options) => {
      moved();
      return store.apply(event, options).finally(moved);
    },
  };
}

type ServerDeps = SiteOptions & {
  readonly config: Config;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly moved: () => void;
  readonly close: () => void;
  readonly promote: Operator["promote"];
};

function operatorOf({ config, store, clock, versions }: Pick<ServerDeps, "config" | "store" | "clock" | "versions">) {
  return openOperator({ store, clock, othersUpdate: othersUpdate(config), images: imageNames(config, versions) });
}

function openServer(deps: ServerDeps): ServerPort {
  const { config, store, clock, random, log, moved, close, promote } = deps;
  const { networks, ports, orderSeconds } = config;
  const localBoots = openLocalBoots({ store, clock, log });
  const issueOrder = orderIssuer({ store, clock, random, orderSeconds });
  const write = bootScriptWriter({ networks, ports, store, issueOrder, localBoots, clock, log });
  const report = phaseReporter({ store, lastFile: lastImagePath(false), clock, log });
  const { uplinkQueue, ask, stop } = openApps(deps);
  const watch = openFleetWatch({ store, clock, log, rules: watchRulesOf(config) });
  const userAgent = "iPXE/1.21.1";
  return {
    store,
    dhcp: openDhcp(deps, localBoots),
    script: (mac, address) => {
      moved();
      const clientAddress = parseIpv4(address);
      const scriptUri = `http://${address}/boot/${mac}.ipxe`;
      return write(mac, "ipxe", { scriptUri, clientAddress }).finally(moved);
    },
    loaderSent: (address, file) => {
      moved();
      report.sent(address, `/${file}`, 0);
    },
    askFile: (clientAddress, path) => {
      moved();
      const admission = uplinkQueue?.admit({ clientAddress, userAgent, path }) ?? { kind: "admitted" };
      if (admission.kind === "admitted") report.requested(clientAddress, path);
      return admission;
    },
    fileSent: (clientAddress, path, bytes, durationMs) => {
      moved();
      uplinkQueue?.sent({ clientAddress, path, bytes });
      report.sent(clientAddress, path, durationMs);
    },
    ask: (request) => {
      moved();
      return ask(request).finally(moved);
    },
    promote: (who) => {
      moved();
      return promote(who).finally(moved);
    },
    kill: () => {
      moved();
      close();
      stop();
      watch[Symbol.dispose]();
      localBoots[Symbol.dispose]();
    },
  };
}

function openDhcp(
  { config, store, clock, log, moved }: ServerDeps,
  localBoots: ReturnType<typeof openLocalBoots>,
): ServerPort["dhcp"] {
  const { networks, ports, maxMachines } = config;
  const statuses = new Map(networks.map((network) => [network, newNetworkStatus(network)]));
  const book = openAddressBook({ store, clock, log });
  const seenRequests = openSeenRequests({ store, clock, log });
  const packets = { note: () => {}, of: () => [] };
  const receive = dhcpAnswers({
    statuses,
    book,
    seenRequests,
    packets,
    ports,
    store,
    localBoots,
    maxMachines,
    clock,
    log,
  });
  return ({ bytes, network: name }, answer) => {
    const network = networks.find((one) => one.name === name);
    const status = network === undefined ? undefined : statuses.get(network);
    if (network === undefined || status === undefined) return;
    moved();
    const socket = {
      receiveBufferBytes: 0,
      send: (sent: Uint8Array) => answer(sent),
      [Symbol.asyncDispose]: async () => {},
    };
    const endpoint = { address: network.serverAddress, port: 67 } as const;
    const listener = { interface: network.interface, status, socket, endpoint };
    const relayed = relay(network, bytes);
    void Promise.resolve(receive(listener, relayed.bytes, relayed.from)).finally(moved);
  };
}

const giaddrAt = 24;

/** The datagram as a relay agent forwards it, on a network that has one (RFC 1542 §4.1). */
function relay({ relay: of }: Network, bytes: Uint8Array) {
  if (of === undefined) return { bytes, from: { address: noAddress, port: 68 } };
  const forwarded = Uint8Array.from(bytes);
  for (let at = 0; at < 4; at += 1) forwarded[giaddrAt + at] = (of.gateway >>> (24 - 8 * at)) & 255;
  return { bytes: forwarded, from: { address: of.gateway, port: 67 } };
}

const sweepMs = 30_000;
const peerKey = "00".repeat(32);

/** The machine-facing routes, and what shares the uplink. */
function openApps(deps: ServerDeps) {
  const { config, store, clock, random, log, kernelBytes, initramfsBytes } = deps;
  const notes = openWaitingNotes({ store, clock, log });
  const stopSweeping = startInterval(clock, sweepMs, notes.sweep);
  const { uplinkMbps } = config;
  const bytesPerSecond = uplinkMbps === undefined ? undefined : uplinkBytesPerSecond(uplinkMbps);
  const sizes = new Map<string, number>([
    [imagePaths.kernel, kernelBytes],
    [imagePaths.initramfs, initramfsBytes],
  ]);
  const uplinkQueue =
    bytesPerSecond === undefined ? undefined : openUplinkQueue({ bytesPerSecond, sizes, store, notes, clock });
  const fetchTurns = openFetchTurns({
    ...{ store, notes, clock, log, ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }) },
    bootImagesWait: () => uplinkQueue?.isWaiting() ?? false,
    peers: { keys: () => [peerKey], isConfidential: () => false },
  });
  const caPem = "simulated";
  const servers = openSiteServers({ store, config, clock, log });
  const apps = [
    machineFacingApp({ store, config, othersOn: servers.othersOn, clock, random, log }),
    subApp({
      ...{ store, ...imagesOf(deps), caPem, clock, log, fetchTurns, othersUpdate: othersUpdate(config) },
      mdbsOn: servers.permanentOn,
      policy: () => subPolicyFor(store.list().length, config.watch.deadlines.up),
    }),
    fetchTurns.app,
  ];
  const stop = () => {
    stopSweeping();
    servers[Symbol.dispose]();
  };
  return { uplinkQueue, ask: (request: MachineRequest) => askApps(apps, request), stop };
}

/** Where all contents are: how they lie in packs changes no decision of a server. */
const onePack = "00".repeat(64);

/** The images that the rules name: streams in as many versions, others as they are. */
function imageNames({ images }: Config, versions: number): readonly string[] {
  const names = [...new Set(images.map(({ image }) => image))];
  return names.flatMap((name) =>
    versions === 0 || !isStreamName(name)
      ? [name]
      : Array.from({ length: versions }, (_, nth) => formatImageName({ stream: name, version: nth + 1 })),
  );
}

/** All of a site's images, by their names, of the same size. */
export function simulatedImages(
  config: Config,
  { imageBytes, versions }: Pick<SiteOptions, "imageBytes" | "versions">,
): ReadonlyMap<string, SimulatedImage> {
  return new Map(imageNames(config, versions).map((name) => [name, simulatedImage(name, imageBytes)]));
}

/** What the Dominator serves. */
function imagesOf({
  config,
  imageBytes,
  versions,
}: ServerDeps): Pick<Parameters<typeof subApp>[0], "images" | "tasks" | "packs"> {
  const images = simulatedImages(config, { imageBytes, versions });
  const { objectMirrors, ports } = config;
  const find = () => () => ({ pack: onePack, offset: 0 });
  return {
    images: {
      refresh: async () => {},
      get: (name) => images.get(name)?.summary,
      pathOf: (name) => name,
    },
    packs: { find, serversFor: (id) => ({ sources: [...spreadMirrors(objectMirrors, id), { port: ports.images }] }) },
    tasks: {
      readPoll: async (body, wanted) =>
        readPoll(body, wanted, {
          find,
          load: ({ name }) => {
            const image = images.get(name);
            if (image === undefined) throw new Error(`image ${name}: expected it to exist`);
            return image.manifest;
          },
        }),
    },
  };
}
