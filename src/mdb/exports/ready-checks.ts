import { once } from "node:events";
import { access, readFile, statfs } from "node:fs/promises";
import { connect } from "node:net";
import type { NetworkView } from "../../contract/operator/views.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import type { Clock, Store } from "../../core/ports.ts";
import type { Fault, ReadyCheck } from "./readiness.ts";
import type { StoreMeter } from "./store-meter.ts";

/** Below this a database does not stay writable for long. */
const leastFreeBytes = 64 * 1024 * 1024;
/** A change that is not durable after this time waits for a disk that does not respond. */
const stuckMs = 10_000;
const connectMs = 2000;

/** What births need of this server: a writable database, the images, the ports, a network that is served. */
export function readyChecks(of: {
  readonly stateDirectory: string;
  /** The files that every boot needs. */
  readonly files: readonly string[];
  readonly addresses: readonly Ipv4[];
  readonly ports: { readonly http: number; readonly machines: number };
  readonly networks: () => readonly NetworkView[];
  readonly store: Pick<Store, "position" | "changesSince">;
  readonly meter: StoreMeter;
  readonly clock: Clock;
}): ReadyCheck[] {
  const tcp = of.addresses.flatMap((address) => [of.ports.http, of.ports.machines].map((port) => ({ address, port })));
  return [
    {
      name: "database",
      check: async () => {
        const fault = writeFault(of.meter, of.clock.monotonicMs());
        if (fault !== undefined) return fault;
        // Queries the database itself, unlike reads of the store. Rejects, or times out, when the database is
        // unreachable.
        await of.store.changesSince(of.store.position(), 1);
        return undefined;
      },
    },
    { name: "disk", check: () => diskFault(of.stateDirectory) },
    { name: "boot files", check: () => fileFault(of.files) },
    { name: "ports", check: () => portFault(tcp) },
    { name: "networks", check: () => servedFault(of.networks()) },
  ];
}

/** A change that waits for too long, or the failure of the last one. */
function writeFault(meter: StoreMeter, nowMs: number): Fault | undefined {
  const next = "check the database and its disk";
  const sinceMs = meter.waitingSinceMs();
  if (sinceMs !== undefined && nowMs - sinceMs > stuckMs) {
    const waited = Math.round((nowMs - sinceMs) / 1000);
    return { fault: `a change has been waiting for ${waited} s to be written`, next };
  }
  const failed = meter.lastFailure();
  return failed === undefined ? undefined : { fault: `writing the last change failed: ${failed}`, next };
}

async function diskFault(directory: string): Promise<Fault | undefined> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= leastFreeBytes) return undefined;
  return {
    fault: `${directory}: expected at least ${leastFreeBytes} free bytes, found ${bavail * bsize}`,
    next: "free disk space there",
  };
}

async function fileFault(files: readonly string[]): Promise<Fault | undefined> {
  const there = await Promise.all(
    files.map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  const missing = files.filter((_, index) => !there[index]);
  if (missing.length === 0) return undefined;
  return { fault: `missing: ${missing.join(", ")}`, next: "restart the server; it creates them again" };
}

async function portFault(tcp: readonly TcpEndpoint[]): Promise<Fault | undefined> {
  const closed = (await Promise.all(tcp.map(refused))).filter((endpoint) => endpoint !== undefined);
  const udp = await readFile("/proc/net/udp", "utf8");
  for (const port of [67, 69]) if (!holdsPort(udp, port)) closed.push(`UDP port ${port}`);
  if (closed.length === 0) return undefined;
  return { fault: `no listener on ${closed.join(", ")}`, next: "see the server's log, then restart the server" };
}

type TcpEndpoint = { readonly address: Ipv4; readonly port: number };

/** One served network is enough to be useful; the metrics cover each network. */
function servedFault(networks: readonly NetworkView[]): Fault | undefined {
  if (networks.some(({ notServed }) => notServed === undefined)) return undefined;
  const reasons = networks.map(({ name, notServed }) => `${name}: ${notServed}`);
  return { fault: "no network is served", next: reasons.join("; ") };
}

/** The endpoint, if connecting to it fails. */
async function refused({ address, port }: TcpEndpoint): Promise<string | undefined> {
  const socket = connect({ host: formatIpv4(address), port });
  socket.setTimeout(connectMs, () => socket.destroy(new Error("no answer")));
  try {
    await once(socket, "connect");
    return undefined;
  } catch {
    return `${formatIpv4(address)}:${port}`;
  } finally {
    socket.destroy();
  }
}

/** Whether a line of /proc/net/udp describes a socket on this port (proc(5): hexadecimal, after the address). */
function holdsPort(table: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return new RegExp(`^ *\\d+: [0-9A-F]{8}:${hex} `, "m").test(table);
}
