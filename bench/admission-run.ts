import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { smallFetchBytes } from "../src/core/uplink/fetch-turn.ts";
import type { CrowdOrder, CrowdResult } from "./admission-crowd.ts";
import type { DhcpSeen } from "./admission-dhcp.ts";
import { startAdmissionServers } from "./admission-servers.ts";
import { addressesOfServer, layRoutes } from "./arrival-routes.ts";
import { type BenchEnvironment, runBenchmark, say } from "./environment.ts";
import { peerProgram, preparePeers } from "./peers.ts";

const about = `Whether 4,000 machines that want their system image at once all get it from one server, and DHCP is answered meanwhile.

  bench/admission [--quick] [--rows NAME,NAME] [--machines N]

Each machine has its own address and its own connections; all of them are one process at the other end of a virtual cable. Each asks for
its turn, waits as long as it is told, fetches, and says that it is done. An answer that takes 30 s, or 15 s without a byte of a content,
is a time-out, as for an agent. Beside them 50 new machines a second ask for an address. Needs root.

  --rows      publicImage          8 MB of a public image
              confidentialImage    8 MB of a confidential one, over TLS
              confidentialChange   ${smallFetchBytes} bytes of a confidential one: small updates wait for others of their kind only
              ownProcessImage      confidentialImage without nginx
              ownProcessChange     confidentialChange without nginx
  --machines  4000; 200 with --quick`;

type Row = { readonly kind: "public" | "confidential"; readonly bytes: number; readonly withNginx: boolean };

const imageBytes = 8_000_000;
const rows: { readonly [name: string]: Row } = {
  publicImage: { kind: "public", bytes: imageBytes, withNginx: true },
  confidentialImage: { kind: "confidential", bytes: imageBytes, withNginx: true },
  confidentialChange: { kind: "confidential", bytes: smallFetchBytes, withNginx: true },
  ownProcessImage: { kind: "confidential", bytes: imageBytes, withNginx: false },
  ownProcessChange: { kind: "confidential", bytes: smallFetchBytes, withNginx: false },
};

/** DHCP alone, before the crowd. */
const quietMs = 5000;

async function measure({ wire, quick, options }: BenchEnvironment): Promise<object> {
  layRoutes(wire);
  const machineCount = Number(options.machines ?? (quick ? 200 : 4000));
  const names = options.rows?.split(",") ?? Object.keys(rows);
  const results: { [name: string]: object } = {};
  for (const name of names) {
    const row = rows[name];
    if (row === undefined)
      throw new Error(`--rows: expected names of ${Object.keys(rows).join(", ")}, found ${JSON.stringify(name)}`);
    say(`${name}: ${machineCount} machines`);
    results[name] = await measureRow(wire.inside, row, machineCount);
    say(JSON.stringify(results[name]));
  }
  return { cpus: availableParallelism(), machines: machineCount, ...results };
}

async function measureRow(inside: readonly string[], row: Row, machineCount: number): Promise<object> {
  const directory = mkdtempSync("/dev/shm/birther-bench-");
  await using all = new AsyncDisposableStack();
  all.defer(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, "images"));
  const nginx = row.withNginx ? peerProgram("nginx") : undefined;
  const servers = all.use(await startAdmissionServers({ directory, machineCount, nginx }));
  const { servedBy, ...content } = servers.content(row.kind, row.bytes);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const quiet = await startDhcp(inside, all);
  await new Promise((resolve) => setTimeout(resolve, quietMs));
  const dhcpAlone = await quiet();
  delay.enable();
  const seen = await startDhcp(inside, all);
  const crowd = start(inside, "admission-crowd.ts");
  all.defer(() => void crowd.kill());
  const { machines, tlsPort, caPem: ca } = servers;
  const began = process.cpuUsage();
  crowd.send({ machines, tlsPort, ca, content } satisfies CrowdOrder);
  const [result] = (await once(crowd, "message")) as [CrowdResult];
  const longestTurnMs = Math.round(delay.max / 1e6);
  const { user, system } = process.cpuUsage(began);
  return {
    ...{ servedBy, bytes: row.bytes, ...result, longestTurnMs, dhcpAlone, dhcp: await seen() },
    serverCpuSeconds: Math.round((user + system) / 1e5) / 10,
    ...{ peakMiB: { server: peakMiB(process.pid), serving: servingMiB([crowd.pid]) } },
    logged: Object.fromEntries(servers.logged),
  };
}

/** Begins to ask for addresses; the result ends it. */
async function startDhcp(inside: readonly string[], all: AsyncDisposableStack): Promise<() => Promise<DhcpSeen>> {
  const child = start(inside, "admission-dhcp.ts");
  all.defer(() => void child.kill());
  await once(child, "message");
  return async () => {
    child.send("stop");
    const [seen] = (await once(child, "message")) as [DhcpSeen];
    return seen;
  };
}

/** A program of ours at the machines' end of the cable, which is told by messages what to do. */
function start(inside: readonly string[], program: string) {
  const [command = "", ...before] = inside;
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", join(import.meta.dirname, program)];
  return spawn(command, [...before, ...node], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

/** The most memory that a process had (proc(5), VmHWM). */
function peakMiB(pid: number): number {
  const [, kib = "0"] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kib) / 1024);
}

/** The same for all programs that serve contents, together. */
function servingMiB(others: readonly (number | undefined)[]): number {
  const below = (pid: number): number[] => {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
    return children.filter((child) => !others.includes(child)).flatMap((child) => [child, ...below(child)]);
  };
  return below(process.pid).reduce((sum, pid) => sum + peakMiB(pid), 0);
}

await runBenchmark({
  ...{ fileUrl: import.meta.url, about, addresses: addressesOfServer(0), options: ["rows", "machines"], measure },
  prepare: () => preparePeers(["nginx-light"], ["nginx"]),
});
