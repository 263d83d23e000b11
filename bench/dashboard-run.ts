import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { join } from "node:path";
import { openBrowser } from "../tests/support/browser.ts";
import type { ServerNotes, ServerRequest } from "./dashboard-ours.ts";
import { measurePage, type PageFigures } from "./dashboard-page.ts";
import { dhcpSite } from "./dhcp-site.ts";
import { type BenchEnvironment, runBenchmark, say } from "./environment.ts";
import { preparePeers } from "./peers.ts";
import { preparePerfdhcp, tryRate } from "./perfdhcp.ts";

const about = `usage: bench/dashboard [--quick]

The dashboard of 10,000 machines in Chromium: first load, first paint, time until the fleet is on screen after the login, frames
while rows change, and what it costs while nothing does; and what 50 dashboards cost the server while rows change at the rate
of an arrival and at 10,000 a second, with DHCP exchanges beside them. Needs root, Chromium and perfdhcp.`;

const machines = 10_000;
const dashboards = 50;
/** Rows that change each second: 4,000 machines on their way, each telling its progress every 15 s; and the worst. */
const arrivalRows = 270;
const mostRows = 10_000;
const exchangesPerSecond = 200;
const returningMachines = 400;

type Server = {
  readonly base: string;
  readonly token: string;
  readonly rows: (perSecond: number) => Promise<void>;
  readonly notes: () => Promise<ServerNotes>;
};

async function measure(environment: BenchEnvironment): Promise<object> {
  const { wire, quick } = environment;
  await wire.run(["ip", "address", "add", `${dhcpSite.client}/${dhcpSite.prefixLength}`, "dev", wire.clientInterface]);
  preparePerfdhcp(environment);
  const load = loadavg()[0] ?? 0;
  await using life = new AsyncDisposableStack();
  const child = start(life, "dashboard-ours.ts", [wire.serverInterface, String(machines)]);
  const [{ base, token }] = (await once(child, "message")) as [{ base: string; token: string }];
  const server: Server = {
    ...{ base, token },
    rows: async (perSecond) => void child.send({ kind: "rows", perSecond } satisfies ServerRequest),
    notes: async () => {
      child.send({ kind: "notes" } satisfies ServerRequest);
      const [notes] = (await once(child, "message")) as [ServerNotes];
      return notes;
    },
  };
  const page = await pageFigures(server, quick);
  const without = await serverFigures(environment, server);
  await server.rows(0);
  const clients = start(life, "dashboard-clients.ts", [base, token, String(dashboards)]);
  await Promise.race([once(clients, "message"), failureOf(clients)]);
  say(`${dashboards} dashboards are open`);
  const withThem = await serverFigures(environment, server);
  return { loadBefore: load, page, server: { without, with: withThem } };
}

/** The best of a few pages: whatever else the computer does only makes them worse. */
async function pageFigures(server: Server, quick: boolean): Promise<PageFigures> {
  const browser = await openBrowser();
  const all: PageFigures[] = [];
  // The first asks the server to bundle the dashboard, which it does once.
  for (let round = 0; round < (quick ? 2 : 5); round += 1) {
    const figures = await measurePage(browser, server, { seconds: quick ? 4 : 10, changesPerSecond: mostRows });
    say(JSON.stringify(figures));
    if (round > 0) all.push(figures);
  }
  await browser.close();
  const least = (of: (figures: PageFigures) => number) => Math.min(...all.map(of));
  const smoothest = all.toSorted((a, b) => a.frames.p95Ms - b.frames.p95Ms)[0];
  if (smoothest === undefined) throw new Error("no page was measured");
  return {
    firstLoadKiB: least(({ firstLoadKiB }) => firstLoadKiB),
    firstPaintMs: least(({ firstPaintMs }) => firstPaintMs),
    fleetAfterLoginMs: least(({ fleetAfterLoginMs }) => fleetAfterLoginMs),
    frames: smoothest.frames,
    mainThreadPercent: {
      idle: least(({ mainThreadPercent }) => mainThreadPercent.idle),
      changing: least(({ mainThreadPercent }) => mainThreadPercent.changing),
    },
    heapMiB: least(({ heapMiB }) => heapMiB),
  };
}

/** What the server uses, without DHCP clients and with them, at both rates. */
async function serverFigures(environment: BenchEnvironment, server: Server) {
  const seconds = environment.quick ? 4 : 10;
  const at = async (rows: number) => {
    await server.rows(rows);
    await pause(2000);
    await server.notes();
    await pause(seconds * 1000);
    const quiet = await server.notes();
    const rate = { rate: exchangesPerSecond, machines: returningMachines, seconds, base: "mac=06:00:00:00:00:00" };
    await tryRate(environment, { ...rate, seconds: 2 });
    await server.notes();
    const dhcp = await tryRate(environment, rate);
    const { loopMs } = await server.notes();
    const figures = {
      corePercent: Math.round((1000 * quiet.cpuSeconds) / seconds) / 10,
      dhcp: { perSecond: Math.round(dhcp.rate), lostPercent: Math.round(dhcp.dropPercent * 100) / 100 },
      loopMs: { p99: Math.round(loopMs.p99 * 10) / 10, most: Math.round(loopMs.most * 10) / 10 },
    };
    say(`${rows} rows a second: ${JSON.stringify(figures)}`);
    return figures;
  };
  return { arrival: await at(arrivalRows), most: await at(mostRows) };
}

function start(life: AsyncDisposableStack, script: string, argv: readonly string[]): ChildProcess {
  const child = fork(join(import.meta.dirname, script), argv, {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  life.defer(async () => {
    if (!child.connected) return;
    const ended = once(child, "exit");
    child.disconnect();
    await ended;
  });
  return child;
}

async function failureOf(child: ChildProcess): Promise<never> {
  const [status] = (await once(child, "exit")) as [number | null];
  throw new Error(`a process of the benchmark ended with status ${status}`);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

await runBenchmark({
  ...{ fileUrl: import.meta.url, about, measure },
  addresses: [`${dhcpSite.server}/${dhcpSite.prefixLength}`],
  prepare: () => preparePeers(["kea-admin", "chromium"], ["perfdhcp"]),
});
