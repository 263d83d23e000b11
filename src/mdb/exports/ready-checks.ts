import { once } from "node:events";
import { access, readFile, statfs } from "node:fs/promises";
import { connect } from "node:net";
import type { NetworkView } from "../../contract/operator/views.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import type { Clock, Store } from "../../core/ports.ts";
import type { Fault, ReadyCheck } from "./readiness.ts";
import type { StoreMeter } from "./store-meter.ts";

/** Below it a database does not write for long. */
const leastFreeBytes = 64 * 1024 * 1024;
/** A change that is not durable after so long waits for a disk that does not answer. */
const stuckMs = 10_000;
const connectMs = 2000;

/** What births need of this server: a database that writes, the images, the ports, a network that is served. */
export function readyChecks(of: {
  readonly stateDirectory: string;
  /** Without them nothing can be booted. */
  readonly files: readonly string[];
  readonly addresses: readonly Ipv4[];
  readonly ports: { readonly http: number; readonly machines: number };
  readonly networks: () => readonly NetworkView[];
  readonly store: Pick<Store, "position" | "changesSince">;
  readonly meter: StoreMeter;
  readonly clock: Clock;
}): ReadyCheck[] {
  const { stateDirectory, files, addresses, ports, networks, store, meter, clock } = of;
  return [
    {
      name: "database",
      ask: async () => {
        const sinceMs = meter.waitingSinceMs();
        if (sinceMs !== undefined && clock.monotonicMs() - sinceMs > stuckMs) {
          const waited = Math.round((clock.monotonicMs() - sinceMs) / 1000);
          return { fault: `a change has waited ${waited} s to be written`, next: "look at the database and its disk" };
        }
        const failed = meter.lastFailure();
        if (failed !== undefined) {
          return {
            fault: `the last change could not be written: ${failed}`,
            next: "look at the database and its disk",
          };
        }
        // Asks the database itself, which reads of the store do not. Rejects, or is late, when it is away.
        await store.changesSince(store.position(), 1);
        return undefined;
      },
    },
    {
      name: "disk",
      ask: async () => {
        const { bavail, bsize } = await statfs(stateDirectory);
        if (bavail * bsize >= leastFreeBytes) return undefined;
        return { fault: `${stateDirectory} has ${bavail * bsize} bytes left`, next: "make room there" };
      },
    },
    {
      name: "boot files",
      ask: async () => {
        const there = await Promise.all(
          files.map((file) =>
            access(file).then(
              () => true,
              () => false,
            ),
          ),
        );
        const gone = files.filter((_, index) => !there[index]);
        if (gone.length === 0) return undefined;
        return { fault: `gone: ${gone.join(", ")}`, next: "restart the server: it makes them again" };
      },
    },
    {
      name: "ports",
      ask: async () => {
        const tcp = addresses.flatMap((address) => [ports.http, ports.machines].map((port) => ({ address, port })));
        const closed = (await Promise.all(tcp.map(refused))).filter((place) => place !== undefined);
        const udp = await readFile("/proc/net/udp", "utf8");
        for (const port of [67, 69]) if (!holdsPort(udp, port)) closed.push(`UDP port ${port}`);
        if (closed.length === 0) return undefined;
        return { fault: `nobody listens at ${closed.join(", ")}`, next: "look at the log, then restart the server" };
      },
    },
    { name: "networks", ask: () => servedFault(networks()) },
  ];
}

/** One network that is served is enough to be of use; the metrics tell of each. */
function servedFault(networks: readonly NetworkView[]): Fault | undefined {
  if (networks.some(({ notServed }) => notServed === undefined)) return undefined;
  const reasons = networks.map(({ name, notServed }) => `${name}: ${notServed}`);
  return { fault: "no network is served", next: reasons.join("; ") };
}

/** The place if no connection can be made to it. */
async function refused({ address, port }: { address: Ipv4; port: number }): Promise<string | undefined> {
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

/** Whether a line of /proc/net/udp is of a socket on this port (proc(5): hexadecimal, after the address). */
function holdsPort(table: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return new RegExp(`^ *\\d+: [0-9A-F]{8}:${hex} `, "m").test(table);
}
