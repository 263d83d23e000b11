import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dhcpSite } from "./dhcp-site.ts";
import { type BenchEnvironment, type RunningServer, startServer } from "./environment.ts";
import { peerProgram } from "./peers.ts";

/** A server under test. `firstRate` is the start of the search, in exchanges per second. */
export type DhcpPeer = {
  readonly name: string;
  readonly firstRate: number;
  /** What it has stored when it answers, as a short text. */
  readonly keeps: string;
  readonly start: (environment: BenchEnvironment) => Promise<RunningServer>;
};

const { server, prefix, netmask, first, last } = dhcpSite;
let runs = 0;

/** An empty directory for one run of a server. */
function freshDirectory(environment: BenchEnvironment): string {
  runs += 1;
  const directory = join(environment.directory, `run-${runs}`);
  mkdirSync(directory);
  return directory;
}

const started = (argv: readonly string[], directory: string): Promise<RunningServer> =>
  startServer(argv, {
    ...{ protocol: "udp", port: 67, output: join(directory, "output") },
    env: { KEA_PIDFILE_DIR: directory, KEA_LOCKFILE_DIR: directory },
  });

/** Our server and its peers, each with the same pool, the same boot options, leases on disk; no log line per packet. */
export const dhcpPeers: readonly DhcpPeer[] = [
  {
    name: "ours",
    firstRate: 2000,
    keeps: "a record of each machine with its history, synchronised to disk before the answer",
    start: (environment) => {
      const directory = freshDirectory(environment);
      const script = join(import.meta.dirname, "dhcp-ours.ts");
      const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
      return started([...node, script, join(directory, "mdb.sqlite"), environment.wire.serverInterface], directory);
    },
  },
  {
    name: "kea",
    firstRate: 2000,
    keeps: "a line per lease in a file, not synchronised",
    start: (environment) => {
      const directory = freshDirectory(environment);
      const file = join(directory, "kea.json");
      writeFileSync(file, JSON.stringify(keaConfiguration(environment, directory)));
      return started([peerProgram("kea-dhcp4"), "-c", file], directory);
    },
  },
  {
    name: "dnsmasq",
    firstRate: 50,
    keeps: "a file of all leases, rewritten",
    start: (environment) => {
      const directory = freshDirectory(environment);
      const text = [
        ...[
          "--keep-in-foreground",
          "--conf-file=/dev/null",
          "--port=0",
          "--no-ping",
          "--log-facility=-",
          "--quiet-dhcp",
        ],
        ...["--user=root", `--pid-file=${join(directory, "pid")}`, `--dhcp-leasefile=${join(directory, "leases")}`],
        ...[`--interface=${environment.wire.serverInterface}`, "--bind-interfaces", "--dhcp-lease-max=2000000"],
        ...[`--dhcp-range=${first},${last},${netmask},1h`, "--dhcp-boot=undionly.kpxe"],
      ];
      return started([peerProgram("dnsmasq"), ...text], directory);
    },
  },
];

/**
 * Kea in its fastest configuration that writes each lease: memfile with persistence, and one thread (its default in
 * 2.2). With one thread per core it answers a third less here, because it takes the generator's core.
 */
function keaConfiguration(environment: BenchEnvironment, directory: string): object {
  const output = { output: join(directory, "kea.log") };
  return {
    Dhcp4: {
      "interfaces-config": { interfaces: [environment.wire.serverInterface], "dhcp-socket-type": "raw" },
      "lease-database": {
        ...{ type: "memfile", persist: true, name: join(directory, "leases.csv"), "lfc-interval": 0 },
      },
      "valid-lifetime": 3600,
      subnet4: [
        {
          subnet: prefix,
          pools: [{ pool: `${first} - ${last}` }],
          "next-server": server,
          "boot-file-name": "undionly.kpxe",
        },
      ],
      "multi-threading": { "enable-multi-threading": false },
      loggers: [{ name: "kea-dhcp4", severity: "WARN", output_options: [output] }],
    },
  };
}
