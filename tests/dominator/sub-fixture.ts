import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, chown, link, lutimes, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { bundleForQuickJs } from "../../src/bootstrap-image/program/bundle.ts";
import { credentialFor } from "../../src/contract/credential.ts";
import { paths } from "../../src/contract/machine/paths.ts";
import { objectPaths, type SubSettings } from "../../src/contract/sub.ts";
import { machineFilterLines } from "../../src/core/image/filter.ts";
import type { ImageSummary } from "../../src/core/image/manifest.ts";
import type { Directive, FetchSource, PackServers } from "../../src/core/image/update/directive.ts";
import { decide } from "../../src/core/machine/life/table.ts";
import type { Machine, MachineId } from "../../src/core/machine/record.ts";
import { testMachine } from "../../src/core/machine/testing/test-machine.ts";
import { macOf } from "../../src/core/net/testing/addresses.ts";
import type { Log, Store } from "../../src/core/ports.ts";
import type { FetchTurn } from "../../src/core/uplink/fetch-turn.ts";
import { openWaitingNotes } from "../../src/core/uplink/waiting-notes.ts";
import { importTree } from "../../src/dominator/import/tree.ts";
import { confidentialStores } from "../../src/dominator/storage/confidential-stores.ts";
import { type ImageStore, openImageStore } from "../../src/dominator/storage/image-store.ts";
import { type ObjectStore, openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { objectsHandler } from "../../src/dominator/storage/objects-handler.ts";
import { finderInStores } from "../../src/dominator/storage/packs/find-in-packs.ts";
import { storeAgentBundle } from "../../src/dominator/sub/agent-bundle.ts";
import { openAgentUpgrades } from "../../src/dominator/sub/agent-upgrades.ts";
import { subApp } from "../../src/dominator/sub/app.ts";
import { confidentialApp } from "../../src/dominator/sub/confidential-app.ts";
import { openFetchTurns } from "../../src/dominator/sub/fetch-turns.ts";
import type { ServedPacks } from "../../src/dominator/sub/sub-app-input.ts";
import { openTaskThread } from "../../src/dominator/thread/thread.ts";
import { issue, makeAuthority, type Authority as TestAuthority } from "../native/certificates.ts";
import { type NativeRun, native, runNative } from "../native/native-program.ts";

const machineId = "m-525400b10001" as MachineId;
const token = credentialFor(machineId, "5e".repeat(32));

/** A file tree to write: text is a file, `{ link }` a symbolic link, `{ same }` a hard link. */
export type Sketch = {
  readonly [path: string]:
    | string
    | { readonly link: string }
    | { readonly same: string }
    | { readonly mode: number; readonly text: string };
};

/** Writes a sketch below a directory; every file gets the same time. */
export async function draw(root: string, sketch: Sketch): Promise<void> {
  for (const [path, what] of Object.entries(sketch)) {
    const file = join(root, path);
    await mkdir(path.endsWith("/") ? file : dirname(file), { recursive: true });
    if (path.endsWith("/")) continue;
    if (typeof what === "object" && "link" in what) await symlink(what.link, file);
    else if (typeof what === "object" && "same" in what) await link(join(root, what.same), file);
    else {
      await writeFile(file, typeof what === "string" ? what : what.text);
      if (typeof what === "object") {
        await chown(file, 7, 8);
        await chmod(file, what.mode);
      }
      await lutimes(file, 1_700_000_000, 1_700_000_000);
    }
  }
}

/** A Dominator over TLS and a root for an agent; everything is real except the machine. */
export type SubFixture = AsyncDisposable & {
  readonly root: string;
  readonly store: Store;
  readonly images: ImageStore;
  readonly objects: ObjectStore;
  /** Imports a sketch as the next version of `compute`, and requires it; `adjust` may change what was drawn before. */
  readonly importSketch: (
    sketch: Sketch,
    filter: readonly string[],
    adjust?: (source: string) => void,
  ) => Promise<string>;
  /** Imports a sketch as the next version of a stream, confidentially; no machine is to run it. */
  readonly importConfidential: (stream: string, sketch: Sketch) => Promise<ImageSummary>;
  /** Has the machine run this image. */
  readonly requireImage: (name: string) => Promise<void>;
  /** Addresses of the server: `http://…` for everybody, and `https://…` for machines. */
  readonly urls: { readonly http: string; readonly tls: string };
  /** The machine's credential. */
  readonly token: string;
  /** Runs birther-agent until nothing is left to do. */
  readonly runAgent: () => Promise<NativeRun>;
  /** Starts birther-agent as systemd does: its supervisor, which starts agents. */
  readonly startSupervisor: () => Promise<RunningSupervisor>;
  /** Is called before the server's answer with this directive reaches the agent. */
  readonly beforeDirective: (kind: Directive["kind"], action: () => void) => void;
  /** Servers of packs that the agent is told of; none at first, so that contents come one by one. */
  readonly sources: FetchSource[];
  /** Where agents are told to fetch confidential contents; nowhere at first, as by an earlier server. */
  readonly confidentialServer: { is?: NonNullable<PackServers["confidential"]> };
  /** The directories of the contents and of the manifests. */
  readonly directories: { readonly objects: string; readonly images: string; readonly confidential: string };
  /** Answers to the next requests for a turn to fetch, before those of the server. */
  readonly turns: FetchTurn[];
  /** Contents that the object server forges. */
  readonly forge: Set<string>;
  /** The object server breaks off the next answer with this content after this number of its bytes, once. */
  readonly cut: Map<string, number>;
  /** The object server says once that it does not have this content, after it has begun to send it. */
  readonly hide: Set<string>;
  /** What was asked for: `tls PATH`, or `http PATH`. */
  readonly asked: readonly string[];
  /** Contents that were read one by one, and from which byte on. */
  readonly reads: { readonly sha512: string; readonly from: number }[];
  /** The authority of the server's certificate, which the agent trusts at first. */
  readonly authority: TestAuthority;
  /** Has agents told to trust these authorities. */
  readonly trust: (caPem: string) => void;
  /** The server's certificate is issued by another authority from now on. */
  readonly serveBy: (authority: TestAuthority) => Promise<void>;
};

/** A supervisor and its agents. `output` is what they have printed; disposing kills all of them. */
export type RunningSupervisor = AsyncDisposable & { readonly output: () => string };

/** The script of the agent that a server hands out, made of the one that is installed. */
export type NextScript = (installed: Uint8Array) => Uint8Array;

/** Starts it; `settings` overrides settings of sub.json; without `nextScript` the server hands out no agent. */
export async function startSubFixture(
  settings: Partial<SubSettings> = {},
  nextScript?: NextScript,
): Promise<SubFixture> {
  const directory = await mkdtemp(join(tmpdir(), "birther-sub-"));
  const root = join(directory, "root");
  const log: Log = () => undefined;
  const store = oneMachineStore();
  const images = await openImageStore(join(directory, "images"), { log });
  const objects = await openObjectStore(join(directory, "objects"));
  const forge = new Set<string>();
  const cut = new Map<string, number>();
  const hide = new Set<string>();
  /** Paths; an agent asks for what is missing over TLS next. */
  const hiddenOverTls = new Set<string>();
  const reads: { readonly sha512: string; readonly from: number }[] = [];
  /** Those of the object server. */
  const connections = new Set<Socket>();
  const forging: ObjectStore = {
    ...objects,
    // So that each content is read by itself.
    locate: async () => undefined,
    sizeOf: async (sha512) => {
      const isHidden = reads.some((read) => read.sha512 === sha512) && hide.delete(sha512);
      if (isHidden) hiddenOverTls.add(`${objectPaths.one}${sha512}`);
      return isHidden ? undefined : objects.sizeOf(sha512);
    },
    read: (sha512, part) => {
      reads.push({ sha512, from: part?.from ?? 0 });
      const content = objects.read(sha512, part);
      const cutAt = cut.get(sha512);
      cut.delete(sha512);
      if (cutAt !== undefined) return cutOff(content, cutAt, connections);
      return forge.has(sha512) ? forged(content) : content;
    },
  };
  const authority = await makeAuthority("test CA");
  const certificate = await issue(authority, "birther");
  const stores = { objects: objects.directory, confidential: join(directory, "confidential") };
  const tasks = openTaskThread(stores);
  const sources: FetchSource[] = [];
  const confidentialServer: SubFixture["confidentialServer"] = {};
  const packs: ServedPacks = {
    find: finderInStores(stores),
    serversFor: (_id, image) => ({
      sources: image.confidential === true ? [] : sources,
      ...(image.confidential === true && confidentialServer.is !== undefined
        ? { confidential: confidentialServer.is }
        : {}),
    }),
  };
  const bundled = await bundleForQuickJs({ entry: join(import.meta.dirname, "../../src/init/agent/main.ts") });
  const agentUpgrades = nextScript === undefined ? {} : await handOut(nextScript(bundled), { objects, store, log });
  const confidential = confidentialStores(stores.confidential);
  const clock = { monotonicMs: () => performance.now() };
  const notes = openWaitingNotes({ store, clock, log });
  const fetchTurns = openFetchTurns({ store, bootImagesWait: () => false, notes, clock, log });
  const trusting = (caPem: string) =>
    new Hono()
      .route("/", subApp({ store, images, tasks, packs, caPem, clock, log, fetchTurns, ...agentUpgrades }))
      .route("/", fetchTurns.app)
      .route("/", confidentialApp({ store, images, objects, confidential }));
  let app = trusting(authority.pem);
  const actions: { readonly kind: Directive["kind"]; readonly action: () => void }[] = [];
  const turns: FetchTurn[] = [];
  const asked: string[] = [];
  async function answer(request: Request): Promise<Response> {
    const turn = new URL(request.url).pathname === paths.fetchTurn ? turns.shift() : undefined;
    if (turn !== undefined) return Response.json(turn);
    const { pathname } = new URL(request.url);
    asked.push(`tls ${pathname}`);
    if (hiddenOverTls.delete(pathname)) return new Response("no such object\n", { status: 404 });
    const response = await app.fetch(request);
    if (!response.headers.get("content-type")?.includes("json")) return response;
    const text = await response.clone().text();
    for (const { kind, action } of actions) if (text.includes(`"kind":"${kind}"`)) action();
    return response;
  }
  const tls = createAdaptorServer({
    ...{ fetch: (request: Request) => answer(request), createServer: createHttpsServer },
    serverOptions: certificate,
  });
  const handler = objectsHandler({ objects: forging, manifests: images, log });
  const plain = createHttpServer((request, response) => {
    asked.push(`http ${request.url}`);
    if (!handler(request, response)) response.writeHead(404).end();
  });
  plain.on("connection", (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  for (const server of [tls, plain])
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const portOf = (server: typeof tls | typeof plain) => (server.address() as AddressInfo).port;

  const subJson: SubSettings = {
    machineId,
    mdb: `127.0.0.1:${portOf(tls)}`,
    serverName: "birther",
    token,
    http: `127.0.0.1:${portOf(plain)}`,
    mac: "52:54:00:b1:00:01",
    firmware: "bios",
    root: { kind: "plain", partUuid: "6f3c1b0e-0d5a-4c53-9d3e-b1a7c0ffee03" },
    boot: { partUuid: "6f3c1b0e-0d5a-4c53-9d3e-b1a7c0ffee02" },
    ...settings,
  };
  await draw(root, {
    "etc/birther/sub.json": JSON.stringify(subJson),
    "etc/birther/ca.pem": authority.pem,
    "etc/fstab": "of this machine\n",
    "usr/local/sbin/birther-agent": "the sub itself",
    "boot/efi/": "",
    "proc/": "",
  });
  const script = join(directory, "agent.js");
  await writeFile(script, bundled);

  async function requireImage(requiredImage: string): Promise<void> {
    await store.apply({ kind: "detailsSet", id: machineId, by: "test", details: { requiredImage } });
  }
  let drawn = 0;
  async function drawNext(sketch: Sketch, adjust: (source: string) => void): Promise<string> {
    drawn += 1;
    const source = join(directory, `image-${drawn}`);
    await draw(source, sketch);
    adjust(source);
    return source;
  }
  return {
    root,
    requireImage,
    token,
    urls: { http: `http://127.0.0.1:${portOf(plain)}`, tls: `https://127.0.0.1:${portOf(tls)}` },
    importConfidential: async (stream, sketch) => {
      const source = await drawNext(sketch, () => undefined);
      const tree = await importTree({
        source,
        objects: await confidential.ofStream(stream),
        filter: machineFilterLines,
      });
      return await images.add(stream, {
        ...{ createdAtMs: 1, source: "sketch", filter: machineFilterLines, confidential: true, attributes: true, tree },
      });
    },
    store,
    images,
    objects,
    ...{ forge, cut, hide, reads },
    turns,
    asked,
    sources,
    confidentialServer,
    directories: { ...stores, images: join(directory, "images") },
    importSketch: async (sketch, filter, adjust = () => undefined) => {
      const source = await drawNext(sketch, adjust);
      const tree = await importTree({ source, objects, filter });
      const { name } = await images.add("compute", {
        createdAtMs: 1,
        source: "sketch",
        filter,
        attributes: true,
        tree,
      });
      await requireImage(name);
      return name;
    },
    beforeDirective: (kind, action) => void actions.push({ kind, action }),
    authority,
    trust: (caPem) => {
      app = trusting(caPem);
    },
    serveBy: async (other) => {
      if (!("setSecureContext" in tls)) throw new Error("the server speaks TLS");
      tls.setSecureContext(await issue(other, "birther"));
    },
    runAgent: () => runNative(script, ["--root", root, "--once"]),
    startSupervisor: async () => supervise(await native, [script, "--root", root]),
    [Symbol.asyncDispose]: async () => {
      for (const server of [tls, plain]) {
        if ("closeAllConnections" in server) server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      await tasks[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

/** The server's part of upgrades, to an agent of the native program and this script. */
async function handOut(
  script: Uint8Array,
  { objects, store, log }: { readonly objects: ObjectStore; readonly store: Store; readonly log: Log },
) {
  const bundle = await storeAgentBundle(
    async (name) => (name === "agent.js" ? script : await readFile(await native)),
    objects,
  );
  return {
    agentUpgrades: openAgentUpgrades({
      bundle,
      store,
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      log,
    }),
  };
}

/** Runs a program in a process group of its own, which ends with it. */
function supervise(program: string, args: readonly string[]): RunningSupervisor {
  const child = spawn(program, [...args], { detached: true, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  return {
    output: () => output,
    [Symbol.asyncDispose]: async () => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      await closed;
    },
  };
}

async function* forged(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of content) yield piece.map((byte) => byte ^ 1);
}

async function* cutOff(
  content: AsyncIterable<Uint8Array>,
  bytes: number,
  connections: ReadonlySet<Socket>,
): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const piece of content) {
    yield piece.subarray(0, left);
    left -= Math.min(left, piece.length);
    if (left > 0) continue;
    await allSent(connections);
    throw new Error("cut off by the test");
  }
}

/** Waits until the kernel has all that was written: that arrives, however late it is read, also when the connection breaks now. */
async function allSent(connections: ReadonlySet<Socket>): Promise<void> {
  const isSent = () => [...connections].every(({ writableLength }) => writableLength === 0);
  // Twice in turn: what the stream before the connection still had is written by then.
  for (let times = 0; times < 2; times = isSent() ? times + 1 : 0) await sleep(10);
}

/** A Store of one healthy machine that decides like the real one. */
function oneMachineStore(): Store {
  let machine: Machine = testMachine("healthy", {
    ...{ id: machineId, macs: [macOf("52:54:00:b1:00:01")], phase: "handedOver" },
    subTokenHash: createHash("sha256").update(token).digest("hex"),
  });
  const nobody = () => undefined;
  const get = () => machine;
  return {
    get: (id) => (id === machineId ? machine : undefined),
    byMac: get,
    byAddress: get,
    find: get,
    unreadable: () => [],
    unreadableWith: nobody,
    unreadableDocuments: () => [],
    list: () => [machine],
    ownership: () => ({ sizes: new Map([["", 1]]), sentAway: [] }),
    byOrderToken: nobody,
    countAddresses: () => 0,
    apply: async (event) => {
      const context = {
        nowMs: Date.now(),
        nameHolder: nobody,
        addressHolder: nobody,
        macHolder: nobody,
        announcedAt: nobody,
        byId: nobody,
        machinesWith: () => 0,
        imageFor: (wanted: string) => wanted,
      };
      const decision = decide(machine, event, context);
      machine = decision.machine ?? machine;
      return decision;
    },
    watch: () => () => undefined,
    recordAct: async () => undefined,
    history: async () => [],
    addLog: () => undefined,
    addEarlyLog: () => undefined,
    log: () => [],
    readLog: async () => [],
    noteProgress: () => undefined,
    progress: () => undefined,
    watchProgress: () => () => undefined,
    position: () => 0,
    changesSince: async () => ({ kind: "changes", changes: [] }),
    audit: async () => [],
    documents: () => [],
    putDocument: async () => undefined,
    replaceDocument: async () => "written",
    dropDocument: async () => undefined,
    leads: () => true,
  };
}

/** The tree on disk, as `find` reports it: kind, mode, owner, time of files, size, link target and link count. */
export function listing(root: string): readonly string[] {
  const format = "%P %y %m %U %G %l %n";
  return execFileSync("find", [root, "-mindepth", "1", "-printf", `${format}\n`], { encoding: "utf8" })
    .trim()
    .split("\n")
    .sort();
}
