import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ground, type RunningServer, runBenchmark, say, startServer } from "./ground.ts";
import { peerEnvironment, peerProgram, preparePeers } from "./peers.ts";

const server = "10.64.0.1";
const bodyBytes = 10_000_000;
const clients = 50;

type HttpServer = { readonly name: string; readonly start: (ground: Ground) => Promise<RunningServer> };

const started = (argv: readonly string[], ground: Ground, name: string): Promise<RunningServer> =>
  startServer(argv, { protocol: "tcp", port: 80, output: join(ground.directory, `${name}.output`) });

const servers: readonly HttpServer[] = [
  {
    name: "ours",
    start: (ground) => {
      const script = join(import.meta.dirname, "http-ours.ts");
      const body = join(ground.directory, "www", "body");
      return started([process.execPath, "--disable-warning=ExperimentalWarning", script, body, server], ground, "ours");
    },
  },
  {
    name: "nginx",
    start: (ground) => {
      const configuration = join(ground.directory, "nginx.conf");
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
        (name) => `${name}_temp_path ${ground.directory}/${name};`,
      );
      writeFileSync(
        configuration,
        `daemon off; user root; worker_processes 1; pid ${ground.directory}/nginx.pid; error_log ${ground.directory}/nginx.error;
events { worker_connections 1024; }
http { sendfile on; tcp_nopush on; access_log ${ground.directory}/nginx.access; ${temporary.join(" ")}
  server { listen ${server}:80; root ${ground.directory}/www; } }\n`,
      );
      return started([peerProgram("nginx"), "-p", ground.directory, "-c", configuration], ground, "nginx");
    },
  },
];

/** Fetches a second of the whole body, over so many connections that are kept; the median of three runs. */
function fetchesPerSecond(ground: Ground): number {
  const runs = Array.from({ length: ground.quick ? 1 : 3 }, () => {
    const [command = "", ...before] = ground.wire.inside;
    const words = ["-t", "1", "-c", String(clients), "-d", ground.quick ? "4s" : "8s", "--timeout", "10s"];
    const argv = [...before, peerProgram("wrk"), ...words, `http://${server}/body`];
    const env = { ...process.env, ...peerEnvironment };
    const output = execFileSync(command, argv, { encoding: "utf8", timeout: 60_000, env });
    if (/Non-2xx/.test(output)) throw new Error(`the server refused: ${output}`);
    // wrk stops in the middle of answers: what counts is what was transferred.
    const [, amount = "0", unit = "MB"] = /Transfer\/sec:\s+([\d.]+)(KB|MB|GB)/.exec(output) ?? [];
    const bytes = Number(amount) * { KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }[unit as "KB" | "MB" | "GB"];
    return bytes / bodyBytes;
  });
  return runs.sort((a, b) => a - b)[Math.floor(runs.length / 2)] ?? 0;
}

await runBenchmark({
  fileUrl: import.meta.url,
  about:
    "Fetches a second of a body of 10 MB by 50 clients at once, ours beside nginx with one worker; measured by wrk.",
  addresses: [`${server}/14`],
  prepare: () => preparePeers(["nginx-light", "wrk"], ["nginx", "wrk"]),
  measure: async (ground) => {
    await ground.wire.run(["ip", "address", "add", "10.64.0.2/14", "dev", ground.wire.clientInterface]);
    mkdirSync(join(ground.directory, "www"));
    chmodSync(ground.directory, 0o755);
    writeFileSync(join(ground.directory, "www", "body"), randomBytes(bodyBytes));
    const figures: { [name: string]: { fetchesPerSecond: number; cpuSecondsPerGigabyte: number } } = {};
    for (const { name, start } of servers) {
      await using running = await start(ground);
      const [cpuBefore, atMs] = [running.cpuSeconds(), performance.now()];
      const rate = fetchesPerSecond(ground);
      const gigabytes = (rate * bodyBytes * (performance.now() - atMs)) / 1e12;
      const cpu = (running.cpuSeconds() - cpuBefore) / gigabytes;
      figures[name] = { fetchesPerSecond: Math.round(rate), cpuSecondsPerGigabyte: Math.round(cpu * 100) / 100 };
      say(`${name}: ${figures[name].fetchesPerSecond} fetches/s`);
    }
    const ratio = (figures.ours?.fetchesPerSecond ?? 0) / (figures.nginx?.fetchesPerSecond ?? 1);
    return { ...figures, ratio: Math.round(ratio * 100) / 100 };
  },
});
