import { type DhcpServer, startDhcpServer } from "../../src/boot-server/dhcp/server.ts";
import { openPacketLog, type PacketLog } from "../../src/boot-server/observe/packet-log.ts";
import type { Network } from "../../src/core/network/network.ts";
import { defaultMaxMachines } from "../../src/core/network/newcomer-limit.ts";
import type { Clock, Log, Store } from "../../src/core/ports.ts";
import { openStore } from "../../src/mdb/open-store.ts";

/** A DHCP server with an MDB, and a clock that a test can advance. */
export type DhcpSite = AsyncDisposable & {
  readonly dhcp: DhcpServer;
  readonly store: Store;
  readonly packets: PacketLog;
  readonly lines: readonly string[];
  readonly putForward: (ms: number) => void;
};

/**
 * Starts one for these networks, with its MDB in a file if given; the caller provides the other hosts on their wires.
 * `wrongMs` is the error of the wall clock.
 */
export async function startDhcpSite(
  networks: readonly Network[],
  path = ":memory:",
  wrongMs = () => 0,
): Promise<DhcpSite> {
  const lines: string[] = [];
  const log: Log = (level, message, facts) => void lines.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`);
  let aheadMs = 0;
  const clock: Clock = {
    nowMs: () => Date.now() + aheadMs + wrongMs(),
    monotonicMs: () => performance.now() + aheadMs,
  };
  await using made = new AsyncDisposableStack();
  const store = made.use(await openStore({ path, clock, log }));
  const packets = openPacketLog();
  const ports = { http: 80, machines: 443 };
  const dhcp = made.use(
    await startDhcpServer({ networks, ports, store, packets, maxMachines: defaultMaxMachines, clock, log }),
  );
  const all = made.move();
  return {
    ...{ dhcp, store, packets, lines },
    putForward: (ms) => {
      aheadMs += ms;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
