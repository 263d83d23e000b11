import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type BenchEnvironment, type RunningServer, runBenchmark, say, startServer } from "./environment.ts";
import { peerProgram, preparePeers } from "./peers.ts";

const server = "10.64.0.1";
const firstClient = "10.64.1.1";
const loaderBytes = 1_000_000;
const imageBytes = 20_000_000;

type TftpServer = {
  readonly name: string;
  readonly start: (environment: BenchEnvironment, files: string) => Promise<RunningServer>;
};

const started = (argv: readonly string[], environment: BenchEnvironment, name: string): Promise<RunningServer> =>
  startServer(argv, { protocol: "udp", port: 69, output: join(environment.directory, `${name}.output`) });

const servers: readonly TftpServer[] = [
  {
    name: "ours",
    start: (environment, files) => {
      const script = join(import.meta.dirname, "tftp-ours.ts");
      return started(
        [process.execPath, "--disable-warning=ExperimentalWarning", script, files, server],
        environment,
        "ours",
      );
    },
  },
  {
    name: "tftpd-hpa",
    start: (environment, files) =>
      started(
        [
          peerProgram("in.tftpd"),
          "--foreground",
          "--listen",
          "--user",
          "root",
          "--address",
          `${server}:69`,
          "--secure",
          files,
        ],
        environment,
        "tftpd-hpa",
      ),
  },
  {
    name: "dnsmasq",
    start: (environment, files) => {
      const text = ["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--log-facility=-"];
      const tftp = ["--enable-tftp", `--tftp-root=${files}`, "--tftp-max=200", `--listen-address=${server}`];
      const pid = `--pid-file=${join(environment.directory, "dnsmasq.pid")}`;
      return started([peerProgram("dnsmasq"), ...text, ...tftp, "--bind-interfaces", pid], environment, "dnsmasq");
    },
  },
];

type Scenario = {
  readonly name: string;
  readonly file: "loader" | "image";
  readonly clients: number;
  /** Requested window, as by EDK2; 1 is iPXE, which does not request one. */
  readonly windowBlocks: number;
  readonly lossPercent: number;
  /** Server and clients share a core. */
  readonly oneCore?: true;
};

const scenarios: readonly Scenario[] = [
  { name: "100 × 1 MB, EDK2", file: "loader", clients: 100, windowBlocks: 4, lossPercent: 0 },
  { name: "100 × 1 MB, iPXE", file: "loader", clients: 100, windowBlocks: 1, lossPercent: 0 },
  { name: "100 × 1 MB, EDK2, 2 % loss", file: "loader", clients: 100, windowBlocks: 4, lossPercent: 2 },
  { name: "1 × 20 MB, EDK2", file: "image", clients: 1, windowBlocks: 4, lossPercent: 0 },
  // A server and one client alternate strictly. On a virtual machine each turn on another core wakes that core, which
  // takes longer than all their work, and the choice of cores is random. On one core the result is the servers' own
  // work, without chance.
  { name: "1 × 20 MB, EDK2, one core", file: "image", clients: 1, windowBlocks: 4, lossPercent: 0, oneCore: true },
  { name: "1 × 20 MB, EDK2, 2 % loss", file: "image", clients: 1, windowBlocks: 4, lossPercent: 2 },
];

const onFirstCore = ["taskset", "--cpu-list", "0"];

/** Runs work while all threads of a server, and the processes that it starts, are on the first core. */
async function sharingACore<T>(pid: number, work: () => Promise<T>): Promise<T> {
  const allow = (cores: string): void => {
    execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", cores, String(pid)], { stdio: "ignore" });
  };
  allow("0");
  try {
    return await work();
  } finally {
    allow(`0-${availableParallelism() - 1}`);
  }
}

/** Megabytes per second over all clients, within 30 s (8 s with --quick); the best of some runs. */
async function megabytesPerSecond(environment: BenchEnvironment, crowd: string, scenario: Scenario): Promise<number> {
  const { file, clients, windowBlocks, lossPercent } = scenario;
  const bytes = file === "loader" ? loaderBytes : imageBytes;
  const runs = environment.quick || lossPercent > 0 ? 1 : 9;
  let best = 0;
  for (let run = 0; run < runs; run += 1) {
    const text = [
      server,
      firstClient,
      clients,
      file,
      bytes,
      windowBlocks,
      lossPercent,
      4711 + run,
      environment.quick ? 8 : 30,
    ].map(String);
    const [command = "", ...before] = environment.wire.inside;
    try {
      const output = execFileSync(command, [...before, ...(scenario.oneCore ? onFirstCore : []), crowd, ...text], {
        encoding: "utf8",
        timeout: 60_000,
      });
      const [seconds = 1, , received = 0] = output.split(" ").map(Number);
      best = Math.max(best, received / 1e6 / seconds);
    } catch (cause) {
      say(`  failed: ${String(cause).slice(0, 300)}`);
    }
  }
  return Math.round(best * 10) / 10;
}

await runBenchmark({
  fileUrl: import.meta.url,
  about:
    "Megabytes per second by TFTP, Birther beside tftpd-hpa and dnsmasq: 100 clients that fetch a loader of 1 MB each;\n" +
    "one client that fetches 20 MB, also on one core with the server; like EDK2 (blksize 1468, windowsize 4) and like iPXE\n" +
    "(no windows); with 0 and 2 % loss.",
  addresses: [`${server}/14`],
  prepare: () => preparePeers(["tftpd-hpa", "dnsmasq-base"], ["in.tftpd", "dnsmasq"]),
  measure: async (environment) => {
    const crowd = join(environment.directory, "tftp-crowd");
    execFileSync("gcc", ["-O2", "-D_GNU_SOURCE", "-o", crowd, join(import.meta.dirname, "tftp-crowd.c")]);
    const files = join(environment.directory, "files");
    mkdirSync(files, { mode: 0o755 });
    writeFileSync(join(files, "loader"), randomBytes(loaderBytes));
    writeFileSync(join(files, "image"), randomBytes(imageBytes));
    const addresses = Array.from(
      { length: 100 },
      (_, n) => `address add 10.64.1.${n + 1}/14 dev ${environment.wire.clientInterface}`,
    );
    writeFileSync(join(environment.directory, "addresses"), addresses.join("\n"));
    await environment.wire.run(["ip", "-batch", join(environment.directory, "addresses")]);

    const figures: { [server: string]: { [scenario: string]: number } } = {};
    for (const one of servers) {
      await using running = await one.start(environment, files);
      const own: { [scenario: string]: number } = {};
      for (const scenario of scenarios) {
        const measured = () => megabytesPerSecond(environment, crowd, scenario);
        const reached = await (scenario.oneCore ? sharingACore(running.pid, measured) : measured());
        say(`${one.name}: ${scenario.name}: ${reached} MB/s`);
        own[scenario.name] = reached;
      }
      figures[one.name] = { ...own, cpuSeconds: running.cpuSeconds() };
    }
    const ratios = scenarios.map(({ name }) => {
      const peers = Object.entries(figures).flatMap(([server, own]) => (server === "ours" ? [] : [own[name] ?? 0]));
      return [name, Math.round(((figures.ours?.[name] ?? 0) / Math.max(...peers)) * 100) / 100] as const;
    });
    return { ...figures, ratios: Object.fromEntries(ratios), ratio: ratios[0]?.[1] ?? 0 };
  },
});
