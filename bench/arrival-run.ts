import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startPostgres } from "../tests/postgres/postgres-server.ts";
import type { LoadLine, LoadPlan } from "./arrival-load.ts";
import { addressesOfServer, layRoutes } from "./arrival-routes.ts";
import { ArrivalServers, postgresCpuSeconds } from "./arrival-servers.ts";
import { serverAt } from "./arrival-site.ts";
import { type BenchEnvironment, runBenchmark, say } from "./environment.ts";

/** What happens beside the arrival. */
type Scenario = {
  /** Two servers share a PostgreSQL; one server has SQLite. */
  readonly servers: 1 | 2;
  readonly misbehavingEvery?: number;
  readonly working?: number;
  /** The second server is killed when a third of the machines are up, and starts again after this time, if at all. */
  readonly deadMs?: number;
};

const scenarios: { readonly [name: string]: Scenario } = {
  sqlite: { servers: 1 },
  postgres: { servers: 2 },
  misbehaving: { servers: 2, misbehavingEvery: 100 },
  rollout: { servers: 2, working: 1000 },
  killed: { servers: 2, deadMs: 30_000 },
  lost: { servers: 2, deadMs: Number.POSITIVE_INFINITY },
};

const about = `usage: bench/arrival [--quick] [--scenario NAME] [--machines N] [--rate N] [--limit SECONDS] [--profile DIRECTORY]

Machines arrive at real servers: DHCP behind a relay, iPXE by TFTP, boot script, parts of kernel and initramfs, TLS,
order, reports, healthy, polls until up, each from its own address. Firmware, burn-in and disks take no time; the image's
bytes are not fetched. Needs root, the packages of birther serve, and for two servers Debian's postgresql.

  --scenario   sqlite        one server on SQLite (the default)
               postgres      two servers on one PostgreSQL
               misbehaving   the same; every hundredth machine hangs, repeats, sends malformed messages, or drips
               rollout       the same; 1,000 more machines work and are moved to another image meanwhile
               killed        the same; one of the servers is killed, and starts again after 30 s
               lost          the same; it never starts again
  --machines   4000; 400 with --quick
  --misbehaving-every N  every N-th machine misbehaves, in any scenario
  --rate       machines switched on per second: 60
  --limit      seconds after which the rest counts as lost: 90 more than switching on takes
  --profile    directory for CPU profiles of the servers
`;

const graceSeconds = 90;

async function measure({ wire, directory, quick, options }: BenchEnvironment): Promise<object> {
  const { scenario: name = "sqlite", profile } = options;
  const scenario = scenarios[name];
  if (scenario === undefined)
    throw new Error(`--scenario: expected one of ${Object.keys(scenarios).join(", ")}, found ${name}`);
  const machines = Number(options.machines ?? (quick ? 400 : 4000));
  const perSecond = Number(options.rate ?? 60);
  const every = options["misbehaving-every"] ?? scenario.misbehavingEvery;
  const working = scenario.working === undefined ? 0 : Math.min(scenario.working, machines);
  await using postgres = scenario.servers === 1 ? undefined : await startPostgres({ settings: ["max_wal_size=4GB"] });
  const database = await postgres?.createDatabase();
  layRoutes(wire);
  const servers = new ArrivalServers({
    directory,
    ...(database === undefined ? {} : { database }),
    ...(profile === undefined ? {} : { profile }),
  });
  const nths = Array.from({ length: scenario.servers }, (_, nth) => nth);
  try {
    for (const nth of nths) {
      servers.addImage(nth, "compute/1");
      await servers.start(nth);
    }
    say(`${name}: ${machines} machines, ${perSecond} per second`);
    const plan: LoadPlan = {
      ...{ servers: nths.map(serverAt), caPath: servers.caPath, working, machines, perSecond },
      limitSeconds: Number(options.limit ?? Math.round(machines / perSecond) + graceSeconds),
      ...(every === undefined ? {} : { misbehavingEvery: Number(every) }),
      ...(working === 0 ? {} : { movedTo: "compute/2" }),
    };
    let beganPostgres = 0;
    const result = await runLoad(wire.inside, plan, {
      begun: async () => {
        servers.beginMeasurement();
        beganPostgres = postgresCpuSeconds();
        if (working === 0) return;
        for (const nth of nths) servers.addImage(nth, "compute/2");
        await servers.promote(2);
      },
      progressed: afterOnce(
        (up) => scenario.deadMs !== undefined && up > machines / 3,
        () => void killForAWhile(servers, scenario.deadMs ?? 0),
      ),
    });
    const perBirth = (seconds: number) => Math.round((seconds / Math.max(1, result.up)) * 10_000) / 10;
    const [written] = (await postgres?.ask("SELECT sum(batch) AS batches FROM writers", databaseName(database))) ?? [];
    return {
      ...{ scenario: name, ...result, serverCpuMsPerBirth: perBirth(servers.cpuSeconds()) },
      ...(written === undefined
        ? {}
        : {
            postgresCpuMsPerBirth: perBirth(postgresCpuSeconds() - beganPostgres),
            batchesPerBirth: perBirth(Number(written.batches) / 1000),
          }),
      servers: await servers.end(),
    };
  } finally {
    await servers.end();
  }
}

async function killForAWhile(servers: ArrivalServers, deadMs: number): Promise<void> {
  say("the second server is killed");
  servers.kill(1);
  if (deadMs === Number.POSITIVE_INFINITY) return;
  await new Promise((resolve) => setTimeout(resolve, deadMs));
  await servers.start(1);
  say("the second server runs again");
}

/** The name in `postgres://USER@/NAME?host=…`. */
function databaseName(place = ""): string {
  return /\/([^/?]+)\?/.exec(place)?.[1] ?? "postgres";
}

/** Calls `act` the first time that the condition holds. */
function afterOnce(condition: (up: number) => boolean, act: () => void): (up: number) => void {
  let isDone = false;
  return (up) => {
    if (isDone || !condition(up)) return;
    isDone = true;
    act();
  };
}

type LoadResult = { readonly up: number };

/** Runs the machines, and reports what happens. */
async function runLoad(
  inside: readonly string[],
  plan: LoadPlan,
  on: { readonly begun: () => Promise<void>; readonly progressed: (up: number) => void },
): Promise<LoadResult> {
  const script = join(import.meta.dirname, "arrival-load.ts");
  const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
  const [command = "", ...rest] = [...inside, ...node, script, JSON.stringify(plan)];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  let result: LoadResult | undefined;
  let saidMs = 0;
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as LoadLine;
    if (line.kind === "begun") await on.begun();
    else if (line.kind === "result") result = line.result as LoadResult;
    else {
      on.progressed(line.up);
      if (performance.now() - saidMs < 5000) continue;
      saidMs = performance.now();
      say(`${line.up} of ${plan.working + plan.machines} are up`);
    }
  }
  await ended;
  if (result === undefined) throw new Error("expected a result of the load, found none; its error is above");
  return result;
}

const loader = "/usr/lib/ipxe/snponly.efi";

await runBenchmark({
  fileUrl: import.meta.url,
  about,
  addresses: [0, 1].flatMap(addressesOfServer),
  options: ["scenario", "machines", "misbehaving-every", "rate", "limit", "profile"],
  prepare: async () => {
    if (!existsSync(loader)) throw new Error(`expected the loader ${loader}, found none; run apt-get install ipxe`);
  },
  measure,
});
