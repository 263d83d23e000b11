import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BenchEnvironment, type RunningServer, runBenchmark, say, startServer } from "./environment.ts";
import { peerEnvironment, peerProgram, preparePeers } from "./peers.ts";

const prefixLength = 14;
const bodyBytes = 10_000_000;
const clients = 50;

/** Each server has its own address; they take turns, so that a slow hour of the computer affects both. */
type HttpServer = {
  readonly name: string;
  readonly address: string;
  readonly start: (environment: BenchEnvironment, address: string) => Promise<RunningServer>;
};

const started = (argv: readonly string[], environment: BenchEnvironment, address: string): Promise<RunningServer> =>
  startServer(argv, { protocol: "tcp", port: 80, address, output: join(environment.directory, `${address}.output`) });

const servers: readonly HttpServer[] = [
  {
    name: "ours",
    address: "10.64.0.1",
    start: (environment, address) => {
      const script = join(import.meta.dirname, "http-ours.ts");
      const body = join(environment.directory, "www", "body");
      return started(
        [process.execPath, "--disable-warning=ExperimentalWarning", script, body, address],
        environment,
        address,
      );
    },
  },
  {
    name: "nginx",
    address: "10.64.0.3",
    start: (environment, address) => {
      const configuration = join(environment.directory, "nginx.conf");
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
        (name) => `${name}_temp_path ${environment.directory}/${name};`,
      );
      writeFileSync(
        configuration,
        `daemon off; user root; worker_processes 1; pid ${environment.directory}/nginx.pid; error_log ${environment.directory}/nginx.error;
events { worker_connections 1024; }
http { sendfile on; tcp_nopush on; access_log ${environment.directory}/nginx.access; ${temporary.join(" ")}
  server { listen ${address}:80; root ${environment.directory}/www; } }\n`,
      );
      return started([peerProgram("nginx"), "-p", environment.directory, "-c", configuration], environment, address);
    },
  },
];

/** Megabytes per second over this number of kept connections. */
function megabytesPerSecond(environment: BenchEnvironment, address: string): number {
  const [command = "", ...before] = environment.wire.inside;
  const text = ["-t", "1", "-c", String(clients), "-d", environment.quick ? "2s" : "4s", "--timeout", "10s"];
  const argv = [...before, peerProgram("wrk"), ...text, `http://${address}/body`];
  const env = { ...process.env, ...peerEnvironment };
  const output = execFileSync(command, argv, { encoding: "utf8", timeout: 60_000, env });
  if (/Non-2xx/.test(output)) throw new Error(`wrk: expected only 2xx answers, found others: ${output}`);
  // wrk stops in the middle of answers, so the transferred bytes count.
  const [, amount = "0", unit = "MB"] = /Transfer\/sec:\s+([\d.]+)(KB|MB|GB)/.exec(output) ?? [];
  return (Number(amount) * { KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }[unit as "KB" | "MB" | "GB"]) / 1e6;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

await runBenchmark({
  fileUrl: import.meta.url,
  about:
    "Fetches per second of a 10 MB body by 50 clients, Birther beside nginx with one worker, measured by wrk.\n" +
    "The servers take turns, and the medians of seven turns are compared.",
  addresses: servers.map(({ address }) => `${address}/${prefixLength}`),
  prepare: () => preparePeers(["nginx-light", "wrk"], ["nginx", "wrk"]),
  measure: async (environment) => {
    await environment.wire.run([
      "ip",
      "address",
      "add",
      `10.64.0.2/${prefixLength}`,
      "dev",
      environment.wire.clientInterface,
    ]);
    mkdirSync(join(environment.directory, "www"));
    chmodSync(environment.directory, 0o755);
    writeFileSync(join(environment.directory, "www", "body"), randomBytes(bodyBytes));
    await using all = new AsyncDisposableStack();
    const running = new Map<string, RunningServer>();
    for (const { name, address, start } of servers) running.set(name, all.use(await start(environment, address)));
    const rates: { [name: string]: number[] } = {};
    const cpuPerGigabyte: { [name: string]: number[] } = {};
    for (let run = 0; run < (environment.quick ? 1 : 7); run += 1) {
      for (const { name, address } of servers) {
        const cpuSeconds = running.get(name)?.cpuSeconds ?? (() => 0);
        const [before, atMs] = [cpuSeconds(), performance.now()];
        const rate = megabytesPerSecond(environment, address);
        const gigabytes = (rate * (performance.now() - atMs)) / 1e6;
        rates[name] = [...(rates[name] ?? []), (rate * 1e6) / bodyBytes];
        cpuPerGigabyte[name] = [...(cpuPerGigabyte[name] ?? []), (cpuSeconds() - before) / gigabytes];
        say(`${name}: ${((rate * 1e6) / bodyBytes).toFixed(0)} fetches/s`);
      }
    }
    const figures: { [name: string]: { fetchesPerSecond: number; cpuSecondsPerGigabyte: number } } = {};
    for (const { name } of servers) {
      const cpuSecondsPerGigabyte = Math.round(median(cpuPerGigabyte[name] ?? []) * 100) / 100;
      figures[name] = { fetchesPerSecond: Math.round(median(rates[name] ?? [])), cpuSecondsPerGigabyte };
    }
    const ratio = (figures.ours?.fetchesPerSecond ?? 0) / (figures.nginx?.fetchesPerSecond ?? 1);
    return { ...figures, ratio: Math.round(ratio * 100) / 100 };
  },
});
