import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensurePackages } from "../src/bootstrap-image/install-packages.ts";
import { machineIdFromMac } from "../src/core/machine/life/move.ts";
import { startPostgres } from "../tests/postgres/postgres-server.ts";
import { say } from "./environment.ts";
import { type Child, runChild, startChild } from "./mdb-child.ts";
import { type Client, openClient, timed, timesOf } from "./mdb-client.ts";
import { fleetMac } from "./mdb-fleet.ts";
import type { Word } from "./mdb-ours.ts";

const about = `The MDB at fleet scale: start-up, list pages, gets by MAC, changes per second, feed, memory, watchers.

  --quick           10,000 machines, 100 watchers and short trials
  --machines N,N    fleet sizes (default 100000)
  --watchers N      watchers of the change feed at the first size (default 1000; 0 for none)
  --databases A,B   sqlite, postgres (its own PostgreSQL on a Unix socket); default both
  --only TRIAL,…    some of reads, changes, feed, watchers
`;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
    machines: { type: "string" },
    watchers: { type: "string" },
    only: { type: "string" },
    databases: { type: "string", default: "sqlite,postgres" },
  },
});
const { quick } = values;
const sizes = (values.machines ?? (quick ? "10000" : "100000")).split(",").map(Number);
const watchers = Number(values.watchers ?? (quick ? 100 : 1000));
const only = values.only?.split(",");
const wanted = (trial: string) => only === undefined || only.includes(trial);

type Server = {
  readonly child: Child;
  readonly client: Client;
  readonly socketPath: string;
  readonly machines: number;
};

/** An empty database, and its size at the end. */
type BenchDatabase = AsyncDisposable & { readonly place: string; readonly bytes: () => Promise<number> };

async function newDatabase(journal: string, directory: string): Promise<BenchDatabase> {
  if (journal === "sqlite") {
    const place = join(directory, "mdb.sqlite");
    const drop = async () => {
      for (const suffix of ["", "-wal", "-shm"]) rmSync(place + suffix, { force: true });
    };
    return { place, bytes: async () => statSync(place).size, [Symbol.asyncDispose]: drop };
  }
  if (journal !== "postgres") throw new Error(`--databases: expected sqlite or postgres, found ${journal}`);
  // In its default configuration, except for memory and connections: every commit waits for the disk.
  const server = await startPostgres({ settings: ["shared_buffers=512MB", "max_wal_size=4GB"] });
  const place = await server.createDatabase();
  return {
    place,
    bytes: async () => {
      const [row] = await server.ask(
        "SELECT sum(pg_database_size(datname)) AS bytes FROM pg_database WHERE datname LIKE 'fleet%'",
      );
      return Number(row?.bytes);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function figuresAt(journal: string, machines: number, directory: string): Promise<object> {
  await using database = await newDatabase(journal, directory);
  const { place } = database;
  say(`${machines} machines on ${journal}: writing them`);
  let startedMs = performance.now();
  await runChild("mdb-fill.ts", [place, machines]);
  const fillSeconds = seconds(startedMs);
  const databaseMiB = Math.round((await database.bytes()) / 2 ** 20);

  say(`${machines} machines on ${journal}: starting`);
  const socketPath = join(directory, `${machines}.sock`);
  startedMs = performance.now();
  await using child = startChild("mdb-ours.ts", [place, socketPath, machines]);
  const started = await child.next<{ openMs: number; openCpuSeconds: number; machines: number }>();
  if (started.machines !== machines)
    throw new Error(`starting: expected ${machines} machines, found ${started.machines}`);
  using client = openClient(socketPath);
  await client.ask("GET", "/v1/status");
  const server: Server = { child, client, socketPath, machines };
  const figures: { [name: string]: unknown } = {
    ...{ fillSeconds, databaseMiB, startSeconds: seconds(startedMs), openSeconds: Math.round(started.openMs) / 1000 },
    openCpuSeconds: Math.round(started.openCpuSeconds * 100) / 100,
    memory: await answer(child, { do: "memory" }),
  };
  say(JSON.stringify(figures));
  const trials = { reads, changes, feed, ...(machines === sizes[0] && watchers > 0 ? { watchers: fanOut } : {}) };
  for (const [name, trial] of Object.entries(trials)) {
    if (!wanted(name)) continue;
    say(`${machines} machines on ${journal}: ${name}`);
    figures[name] = await trial(server);
    say(JSON.stringify(figures[name]));
  }
  return { ...figures, memoryAfter: await answer(child, { do: "memory" }) };
}

/** Milliseconds of one request at a time, in an otherwise idle server. */
async function reads({ client, machines }: Server): Promise<object> {
  const rounds = quick ? 50 : 300;
  const get = (path: string) => client.ask("GET", path);
  const first = JSON.parse(await get("/v1/machines?limit=100")) as { machines: object[]; continue?: string };
  if (first.machines.length !== 100)
    throw new Error(`listing machines: expected a page of 100, found ${first.machines.length}`);
  // A page in the middle: its token is that of the machine before it.
  const middle = Buffer.from(machineIdFromMac(fleetMac(machines >> 1))).toString("base64url");
  const slim = "fields=hostname,state,phase,conditions";
  const few = quick || machines > 200_000 ? 3 : 10;
  const parallelMs = performance.now();
  const many = quick ? 500 : 5000;
  await Promise.all(
    Array.from({ length: 32 }, async (_, worker) => {
      for (let n = worker; n < many; n += 32) await get(`/v1/machines/${fleetMac((n * 7919) % machines)}`);
    }),
  );
  return {
    getsPerSecond: Math.round(many / ((performance.now() - parallelMs) / 1000)),
    getByMacMs: await timed(rounds, (n) => get(`/v1/machines/${fleetMac((n * 7919) % machines)}`)),
    firstPageMs: await timed(rounds, () => get("/v1/machines?limit=100")),
    middlePageMs: await timed(rounds, () => get(`/v1/machines?limit=100&continue=${middle}`)),
    slimPageMs: await timed(rounds, () => get(`/v1/machines?limit=500&${slim}`)),
    /** Few are selected, so that all are examined. */
    selectionMs: await timed(few, () => get(`/v1/machines?where=${encodeURIComponent("rack=1")}&limit=100`)),
    metricsMs: await timed(few, () => client.drain("/metrics")),
    dominatorMs: await timed(few, () => client.drain("/v1/exports/dominator")),
    ansibleMs: await timed(few, () => client.drain("/v1/exports/ansible")),
  };
}

/** Durable changes per second: one at a time, many at once, and what DHCP does to known machines. */
async function changes({ child }: Server): Promise<object> {
  const length = quick ? 2 : 10;
  const trial = async (what: "states" | "pxe", inFlight: number) => {
    const before = await answer<number>(child, { do: "cpu" });
    const perSecond = await answer<number>(child, { do: "apply", what, seconds: length, inFlight });
    const cpu = (await answer<number>(child, { do: "cpu" })) - before;
    return { perSecond, serverCpuMicrosEach: Math.round((cpu / (perSecond * length)) * 1e6) };
  };
  return {
    stateChangesOneByOne: await trial("states", 1),
    stateChanges: await trial("states", 1000),
    pxeRequests: await trial("pxe", 1000),
  };
}

/** From an operator's request until a watcher of the feed has its change. */
async function feed(server: Server): Promise<object> {
  await using watcher = await startWatchers(server, 1);
  const took: number[] = [];
  for (let n = 0; n < (quick ? 50 : 300); n += 1) took.push(await changeAndReceive(server, watcher, [n]));
  return { visibleMs: timesOf(took) };
}

/** The same until the last of all watchers has it; and a burst of changes to all of them. */
async function fanOut(server: Server): Promise<object> {
  const startedMs = performance.now();
  await using crowd = await startWatchers(server, watchers);
  const connectSeconds = seconds(startedMs);
  const took: number[] = [];
  for (let n = 0; n < (quick ? 10 : 50); n += 1) took.push(await changeAndReceive(server, crowd, [n]));
  const burst = Array.from({ length: 200 }, (_, n) => 1000 + n);
  const cpuBefore = await answer<number>(server.child, { do: "cpu" });
  const burstMs = await changeAndReceive(server, crowd, burst);
  const cpuSeconds = (await answer<number>(server.child, { do: "cpu" })) - cpuBefore;
  const deliveries = burst.length * watchers;
  return {
    ...{ watchers, connectSeconds, lastReceivesMs: timesOf(took) },
    burst: {
      changes: burst.length,
      ms: Math.round(burstMs),
      deliveriesPerSecond: Math.round(deliveries / (burstMs / 1000)),
    },
    serverCpuMicrosPerDelivery: Math.round((cpuSeconds / deliveries) * 1e8) / 100,
    memory: await answer(server.child, { do: "memory" }),
  };
}

async function startWatchers({ socketPath }: Server, count: number): Promise<Child> {
  const child = startChild("mdb-watchers.ts", [socketPath, "/v1/changes", count]);
  await child.next();
  return child;
}

let holds = 0;

/**
 * Sets and clears a hold on each of these machines alternately; milliseconds from the first request until all watchers
 * have received everything.
 */
async function changeAndReceive({ client }: Server, watcher: Child, numbers: readonly number[]): Promise<number> {
  const ids = numbers.map((n) => machineIdFromMac(fleetMac(n)));
  const heard = watcher.ask<{ lastNs: { [id: string]: string } }>(ids);
  const body = { reason: `bench ${holds}` };
  holds += 1;
  const startedNs = process.hrtime.bigint();
  await Promise.all(ids.map((id) => client.ask("POST", `/v1/machines/${id}/hold`, body)));
  const { lastNs } = await heard;
  const last = Object.values(lastNs).reduce((latest, ns) => (BigInt(ns) > latest ? BigInt(ns) : latest), 0n);
  return Number(last - startedNs) / 1e6;
}

async function answer<T>(child: Child, word: Word): Promise<T> {
  return (await child.ask<{ answer: T }>(word)).answer;
}

function seconds(sinceMs: number): number {
  return Math.round((performance.now() - sinceMs) / 10) / 100;
}

if (values.help) process.stdout.write(about);
else {
  if (values.databases.includes("postgres")) await ensurePackages(["postgresql"], (_, message) => say(message));
  const directory = mkdtempSync(join(existsSync("/var/tmp") ? "/var/tmp" : tmpdir(), "birther-bench-"));
  try {
    const ours: { [journal: string]: { [machines: string]: object } } = {};
    for (const journal of values.databases.split(",")) {
      for (const machines of sizes) {
        ours[journal] = { ...ours[journal], [String(machines)]: await figuresAt(journal, machines, directory) };
      }
    }
    process.stdout.write(`${JSON.stringify({ ours })}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
