/**
 * The server of bench/dashboard: DHCP, the operators' API and the dashboard on one store of machines that arrive. Over IPC it
 * is told how many rows change each second, and asked what it has used.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { startDhcpServer } from "../src/boot-server/dhcp/server.ts";
import { openPacketLog } from "../src/boot-server/observe/packet-log.ts";
import { ip, prefix as prefixOf } from "../src/core/net/testing/addresses.ts";
import { systemClock as clock } from "../src/main/system-ports.ts";
import { arrivingFleet } from "../tests/dashboard/fleet.ts";
import { startDashboardServer } from "../tests/dashboard/server.ts";
import { dhcpSite } from "./dhcp-site.ts";

/** What the benchmark sends to the server. */
export type ServerRequest = { readonly kind: "rows"; readonly perSecond: number } | { readonly kind: "notes" };
/** What the server says of itself since the last time it was asked. */
export type ServerNotes = {
  readonly cpuSeconds: number;
  readonly loopMs: { readonly p99: number; readonly most: number };
};

const [serverInterface = "", count = "0"] = process.argv.slice(2);
const dashboard = await startDashboardServer(arrivingFleet(Number(count), Date.now()));
const { store } = dashboard;
const { server, prefix, first, last } = dhcpSite;
await startDhcpServer({
  networks: [
    {
      ...{ name: "rack", interface: serverInterface, serverAddress: ip(server), nursery: true, freshRack: false },
      ...{ mode: "full", secureBoot: false, secureBootKey: "debian", allowForeignDhcp: true },
      ...{ prefix: prefixOf(prefix), temporaryPool: { first: ip(first), last: ip(last) } },
      maxNewMachinesPerMinute: 1_000_000,
    },
  ],
  ...{ maxMachines: 10_000_000, packets: openPacketLog(), ports: { http: 80, machines: 443 } },
  ...{ store, clock, log: () => {} },
});

const ids = store.list().map(({ id }) => id);
const tickMs = 20;
let perSecond = 0;
let at = 0;
let owed = 0;
setInterval(() => {
  owed += (perSecond * tickMs) / 1000;
  for (; owed >= 1; owed -= 1) {
    const id = ids[at % ids.length];
    at += 1;
    if (id !== undefined) store.noteProgress(id, { what: "fetch", done: at % 1000, total: 1000 });
  }
}, tickMs);

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
let before = process.cpuUsage();
process.on("message", (request: ServerRequest) => {
  if (request.kind === "rows") {
    perSecond = request.perSecond;
    owed = 0;
    return;
  }
  const { user, system } = process.cpuUsage(before);
  const loopMs = { p99: delay.percentile(99) / 1e6, most: delay.max / 1e6 };
  process.send?.({ cpuSeconds: (user + system) / 1e6, loopMs } satisfies ServerNotes);
  delay.reset();
  before = process.cpuUsage();
});
process.once("disconnect", () => void dashboard[Symbol.asyncDispose]().then(() => process.exit(0)));
process.send?.({ base: dashboard.base, token: await dashboard.token("bench", "admin") });
