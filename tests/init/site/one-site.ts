import { X509Certificate } from "node:crypto";
import type { RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import * as v from "valibot";
import { openLocalBoots } from "../../../src/boot-server/dhcp/local-boots.ts";
import { openEarlyLogIntake } from "../../../src/boot-server/early-log/intake.ts";
import { pathOf } from "../../../src/boot-server/http/request-path.ts";
import { bootScriptWriter } from "../../../src/boot-server/http/script-handler.ts";
import { throughputHandler } from "../../../src/boot-server/http/throughput-handler.ts";
import { checkConfig } from "../../../src/contract/config/parse.ts";
import type { Config } from "../../../src/contract/config/schema.ts";
import { testNetworkInput } from "../../../src/contract/config/testing/test-config.ts";
import { fetchTurn, fetchTurnRequest } from "../../../src/contract/fetch-turn.ts";
import { paths } from "../../../src/contract/machine/paths.ts";
import { decidePromotion, type PromotionRequest } from "../../../src/core/image/stream/promotion.ts";
import type { Firmware } from "../../../src/core/machine/record.ts";
import { plainProgress, type WorkProgress } from "../../../src/core/machine/work-progress.ts";
import { parseMac } from "../../../src/core/net/mac.ts";
import { ip } from "../../../src/core/net/testing/addresses.ts";
import { noOtherMdbs } from "../../../src/core/network/site-server.ts";
import type { Clock, Log, Store } from "../../../src/core/ports.ts";
import { verifiersIn } from "../../../src/core/tpm/recovery.ts";

import { openWaitingNotes } from "../../../src/core/uplink/waiting-notes.ts";
import type { ImageStore } from "../../../src/dominator/storage/image-store.ts";
import { objectsHandler } from "../../../src/dominator/storage/objects-handler.ts";
import { storeAgentBundle } from "../../../src/dominator/sub/agent-bundle.ts";
import { openAgentUpgrades } from "../../../src/dominator/sub/agent-upgrades.ts";
import { subApp } from "../../../src/dominator/sub/app.ts";
import { confidentialApp } from "../../../src/dominator/sub/confidential-app.ts";
import { openFetchTurns, type PeerRules } from "../../../src/dominator/sub/fetch-turns.ts";
import { inlineTasks } from "../../../src/dominator/thread/tasks.ts";
import { lastHandlers } from "../../../src/mdb/http/problem.ts";
import { changeStream } from "../../../src/mdb/image-streams/change-stream.ts";
import { adoptImports } from "../../../src/mdb/image-streams/first-current.ts";
import type { Journal } from "../../../src/mdb/journal/journal.ts";
import { machineFacingApp, type SignRecovery } from "../../../src/mdb/machine-api/app.ts";
import { orderIssuer } from "../../../src/mdb/machine-api/issue-order.ts";
import { openSiblings } from "../../../src/mdb/machine-api/siblings.ts";
import { modelsOf } from "../../../src/mdb/models.ts";
import { storeOn } from "../../../src/mdb/open-store.ts";
import { signedWith } from "../../../src/mdb/tls/erasure-signer.ts";
import { signatureOf } from "../../../src/mdb/tls/recovery-signer.ts";
import { chanceOf, randomBytes } from "../host/system/random.ts";
import type { ImageServer } from "./images.ts";
import type { BootAnswer, ServerKind, SiteAuthority, SiteFacts } from "./protocol.ts";

/** The configuration of a rack with a very short burn-in and without the network test. */
const usualConfig = {
  networks: [{ ...testNetworkInput, interface: "eth0" }],
  placement: {
    lldpSeconds: 40,
    rules: [
      {
        switch: "tor-(?<rack>\\d+)",
        port: "swp(?<unit>\\d+)",
        hostname: "r{rack:2}u{unit:2}",
        address: { first: "10.77.1.0", step: { rack: 64, unit: 1 } },
      },
    ],
  },
  images: [{ image: "debug", when: { burnIn: "failed" } }, { image: "compute/1" }],
  burnIn: { cpuSeconds: 1, memoryPercent: 10, diskMiB: 1, networkMiB: 0 },
  storage: { minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 },
};

/**
 * The MDB, the Boot Server's HTTP and the Dominator of one site; only sockets, TLS and the database's disk are missing.
 */
export type OneSite = {
  readonly store: Store;
  /** All progress that was heard of. */
  readonly progress: () => readonly WorkProgress[];
  readonly boot: (asked: { readonly mac: string; readonly firmware: Firmware }) => Promise<BootAnswer>;
  readonly listener: (server: ServerKind) => RequestListener;
  /** A datagram arrives at the port for log lines. */
  readonly datagram: (bytes: Uint8Array, from: string) => void;
  /** An operator promotes a version of `compute`; returns why it is refused. */
  readonly promote: (asked: PromotionRequest) => Promise<string | undefined>;
  /** New server processes on the same database. */
  readonly restart: () => void;
};

/** A journal that keeps nothing, because the Store's memory serves as the database. */
const noJournal: Journal = {
  load: async () => ({ position: 0, machines: [], unreadable: [], documents: [] }),
  commit: async ({ since, entries }) => {
    const position = since();
    entries();
    return position;
  },
  remoteChangesSince: async (position) => ({
    kind: "changes",
    position,
    machines: [],
    unreadable: [],
    documents: [],
    changes: [],
  }),
  changesSince: async () => ({ kind: "changes", changes: [] }),
  history: async () => [],
  audit: async () => [],
  backup: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};

function configOf(facts: SiteFacts): Config {
  const checked = checkConfig({ ...usualConfig, ...facts.config });
  if (checked.kind === "refused")
    throw new Error(`the test's configuration is refused: ${JSON.stringify(checked.faults)}`);
  return checked.config;
}

function peerRules({ peers }: SiteFacts, images: ImageStore): { readonly peers?: PeerRules } {
  if (peers === undefined) return {};
  const left = [...peers.keys];
  const keys = () => (left.length > 1 ? left.shift() : left[0]) ?? [];
  return { peers: { keys, isConfidential: (image) => images.get(image)?.confidential === true } };
}

/** The turns to fetch of a server that knows other machines with the image, and hears which of them failed. */
function withSources(turns: Hono, { peers }: SiteFacts): Hono {
  if (peers === undefined) return turns;
  const failed = new Set<string>();
  const app = new Hono();
  app.post(paths.fetchTurn, async (context) => {
    const request = context.req.raw;
    const { failedPeers = [] } = v.parse(fetchTurnRequest, await request.clone().json());
    for (const id of failedPeers) failed.add(id);
    const answer = await turns.fetch(request);
    const turn = v.parse(fetchTurn, await answer.clone().json());
    if (turn.kind !== "go" || turn.peerKeys === undefined) return answer;
    return context.json({ ...turn, sources: peers.sources.filter(({ machineId }) => !failed.has(machineId)) });
  });
  return app;
}

/** Opens a site. Its random numbers repeat, and its time is the test's. */
export async function openSite(
  { caPem, caKeyPem, ...facts }: SiteFacts & SiteAuthority,
  { images, objects, confidential }: ImageServer,
  clock: Clock,
): Promise<OneSite> {
  const config = configOf(facts);
  const log: Log = () => undefined;
  const chance = chanceOf(7);
  const random = { bytes: (count: number) => randomBytes(chance, count) };
  const store = await storeOn({ journal: noJournal, clock, log });
  const progress: WorkProgress[] = [];
  store.watchProgress((id) => {
    const machine = store.get(id);
    const noted = machine && store.progress(machine);
    if (noted !== undefined) progress.push(plainProgress(noted));
  });
  // The second version of `compute` was imported later: it is current only when it is promoted.
  await adoptImports({ store, clock, log }, ["compute/1", "vault/1", "bulk/1"]);
  const { networks } = config;
  const { udpPort } = config.machineLogs;
  const ports = udpPort === 0 ? config.ports : { ...config.ports, log: udpPort };
  const earlyLog = openEarlyLogIntake({ networks, store, clock, log });
  const issueOrder = orderIssuer({ store, clock, random, orderSeconds: config.orderSeconds });
  const localBoots = openLocalBoots({ store, clock, log });
  const write = bootScriptWriter({ networks, ports, store, issueOrder, localBoots, clock, log });
  const { agent } = facts;
  const bundle =
    agent === undefined
      ? undefined
      : await storeAgentBundle(
          async (name) => Buffer.from(name === "birther-js" ? agent.native : agent.script),
          objects,
        );
  const notes = openWaitingNotes({ store, clock, log });
  const [verifier] = verifiersIn(caPem);
  const signRecovery: SignRecovery = (message) => ({
    verifier: verifier ?? new Uint8Array(),
    ...signatureOf(message, caKeyPem),
  });
  const signErasure = signedWith(caKeyPem, new X509Certificate(caPem).fingerprint256);
  const { secondServer } = facts;
  const othersOn = () =>
    secondServer === "inOrders"
      ? { temporary: [{ address: ip("10.77.0.2"), port: 443 }], permanent: [{ address: ip("10.77.1.2"), port: 443 }] }
      : noOtherMdbs;
  const mdbsOn = () => (secondServer === undefined ? undefined : ["10.77.1.1:443", "10.77.1.2:443"]);
  const findSuspects = openSiblings(modelsOf(store));
  let machines = machineListener();

  function machineListener(): RequestListener {
    const app = new Hono();
    const { onError, notFound } = lastHandlers(log);
    app.onError(onError);
    app.notFound(notFound);
    app.route(
      "/",
      machineFacingApp({ store, config, othersOn, findSuspects, clock, random, log, signRecovery, signErasure }),
    );
    const agentUpgrades =
      bundle === undefined ? {} : { agentUpgrades: openAgentUpgrades({ bundle, store, clock, log }) };
    const peers = peerRules(facts, images);
    const fetchTurns = openFetchTurns({ store, bootImagesWait: () => false, notes, ...peers, clock, log });
    const input = { store, images, tasks: inlineTasks(), caPem, clock, log, fetchTurns, mdbsOn, ...agentUpgrades };
    app.route("/", subApp(input));
    app.route("/", withSources(fetchTurns.app, facts));
    app.route("/", confidentialApp({ store, images, objects, confidential }));
    const answer = getRequestListener(app.fetch);
    return (request, response) => void answer(request, response);
  }
  const handlers = [throughputHandler(log), objectsHandler({ objects, manifests: images, log })];
  const http: RequestListener = (request, response) => {
    const path = pathOf(request.url ?? "/");
    if (!handlers.some((handler) => handler(request, response, path))) response.writeHead(404).end("not found\n");
  };

  async function boot({ mac: text, firmware }: { mac: string; firmware: Firmware }): Promise<BootAnswer> {
    const mac = parseMac(text);
    if (mac === undefined) throw new Error(`${text} is no MAC address`);
    const known = store.byMac(mac);
    const address = known?.temporaryAddress ?? ip(`10.77.0.${50 + store.list().length}`);
    const decision = await store.apply({
      kind: "pxeAsked",
      ...{ mac, firmware, network: "rack", nursery: true, address },
      ...{ stage: "firmware", answer: "loader" },
    });
    if (decision.kind === "refused" && decision.machine === undefined)
      throw new Error(`the MDB refused the machine's request: ${decision.refusal.message}`);
    const script = (await write(mac, "ipxe", { scriptUri: "http://10.77.0.1/boot" })) ?? "";
    const commandLine = /^kernel \S+ (.*) \|\| goto failed$/m.exec(script)?.[1];
    if (commandLine !== undefined) return { kind: "bootstrapImage", commandLine };
    return /^echo /m.test(script) ? { kind: "waits", why: script } : { kind: "localDisk" };
  }
  return {
    store,
    progress: () => progress,
    boot,
    datagram: (bytes, from) => {
      if (udpPort !== 0) earlyLog.receive(bytes, ip(from));
      earlyLog.flush();
    },
    listener: (server) => (server === "http" ? http : (request, response) => machines(request, response)),
    promote: async (asked) => {
      const change = await changeStream({ store, clock }, { stream: "compute", by: "test" }, (context) =>
        decidePromotion(asked, context),
      );
      return change.kind === "refused" ? change.refusal.message : undefined;
    },
    restart: () => {
      machines = machineListener();
    },
  };
}
