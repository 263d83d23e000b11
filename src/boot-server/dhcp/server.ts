import type { NetworkView } from "../../contract/operator/views.ts";
import type { MachineArchitecture } from "../../core/machine/architecture.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import { limitFaults } from "../../core/network/kernel-limits.ts";
import { type Network, type ServerPorts, serverAddresses } from "../../core/network/network.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { PacketLog } from "../observe/packet-log.ts";
import { receiveBufferBytes } from "../socket/device-socket.ts";
import { openFrameSender } from "../socket/frame-sender.ts";
import { readKernelLimits } from "../socket/kernel-limits.ts";
import { openAddressBook } from "./address-book.ts";
import { openAddressProbe } from "./address-probe.ts";
import { dhcpAnswers } from "./answer.ts";
import type { DhcpListener } from "./exchange.ts";
import { watchForeignServers } from "./foreign-watch.ts";
import type { LocalBoots } from "./local-boots.ts";
import { type NetworkStatus, newNetworkStatus, viewNetworkStatus } from "./network-status.ts";
import { openSeenRequests } from "./seen-requests.ts";
import { openDhcpSocket } from "./socket.ts";
import { watchTaggedRequests } from "./tagged.ts";

/** The DHCP server of all networks. */
export type DhcpServer = AsyncDisposable & { readonly networks: () => readonly NetworkView[] };

/** What the server needs. */
type DhcpServerDeps = {
  readonly networks: readonly Network[];
  readonly ports: ServerPorts;
  readonly store: Store;
  readonly packets: PacketLog;
  readonly localBoots?: LocalBoots;
  /** The architectures that there is a Bootstrap Image for; the default only if it is absent. */
  readonly images?: ReadonlySet<MachineArchitecture>;
  /** Limit of records at which unknown machines are ignored. */
  readonly maxMachines: number;
  readonly clock: Clock;
  readonly log: Log;
};

/**
 * Answers DHCP and PXE on these networks until disposed: with a socket bound to each local network's interface, and one
 * on each address that relay agents write to.
 */
export async function startDhcpServer(deps: DhcpServerDeps): Promise<DhcpServer> {
  const { networks, log } = deps;
  const statuses: ReadonlyMap<Network, NetworkStatus> = new Map(
    networks.map((network) => [network, newNetworkStatus(network)]),
  );
  const book = openAddressBook(deps);
  await using sockets = new AsyncDisposableStack();
  // Disposed of after the sockets, when nothing more is received.
  const seenRequests = sockets.use(openSeenRequests(deps));
  const receive = dhcpAnswers({ ...deps, statuses, book, seenRequests });
  const ours = new Set(networks.flatMap(serverAddresses));
  await Promise.all([...statuses.values()].map((status) => watchNetwork(status, { ...deps, ours, sockets })));
  for (const status of statuses.values()) sockets.use(watchTaggedRequests(status, deps));

  const granted = endpointsOf([...statuses.values()]).map((endpoint) => listen(endpoint, { receive, sockets, log }));
  const bufferGranted = granted.every((bytes) => bytes >= receiveBufferBytes);
  for (const { message, next } of limitFaults(readKernelLimits(), { networks, receiveBufferBytes, bufferGranted }))
    log("warn", message, { next });
  const running = sockets.move();
  return {
    networks: () => [...statuses.values()].map((status) => viewNetworkStatus(status, book)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Searches for other DHCP servers on a local network; a network behind a relay agent cannot be searched. */
async function watchNetwork(
  status: NetworkStatus,
  deps: DhcpServerDeps & { readonly ours: ReadonlySet<Ipv4>; readonly sockets: AsyncDisposableStack },
): Promise<void> {
  const { network } = status;
  const { interface: device } = network;
  if (device === undefined) return;
  try {
    status.watcher = deps.sockets.use(
      await watchForeignServers({ ...deps, network: { ...network, interface: device } }),
    );
  } catch (error) {
    // A DHCP client of this computer may use port 68 exclusively.
    deps.log("warn", "searching for other DHCP servers failed", { network: network.name, error: String(error) });
  }
}

/** A port of a network to listen on. */
type Endpoint = { readonly status: NetworkStatus; readonly port: 67 | 4011 };

/** Relayed networks with the same server address share its socket; ProxyDHCP has a port of its own, too. */
function endpointsOf(statuses: readonly NetworkStatus[]): Endpoint[] {
  const relayed = new Set<number>();
  return statuses.flatMap((status): Endpoint[] => {
    const { interface: device, serverAddress, mode } = status.network;
    if (device === undefined && relayed.has(serverAddress)) return [];
    if (device === undefined) relayed.add(serverAddress);
    return mode === "proxy"
      ? [
          { status, port: 67 },
          { status, port: 4011 },
        ]
      : [{ status, port: 67 }];
  });
}

/** Opens a socket and answers what it receives; returns the size of its receive buffer. */
function listen(
  { status, port }: Endpoint,
  deps: {
    readonly receive: ReturnType<typeof dhcpAnswers>;
    readonly sockets: AsyncDisposableStack;
    readonly log: Log;
  },
): number {
  const { receive, sockets, log } = deps;
  const { network } = status;
  const { interface: device, nursery, name, serverAddress: address } = network;
  const where = device === undefined ? { address: formatIpv4(address) } : { interface: device };
  const failed = (error: unknown) => log("error", "DHCP request failed", { network: name, error: String(error) });
  const socket = sockets.use(
    openDhcpSocket({ ...where, port }, (bytes, from) => {
      try {
        receive(listener, bytes, from)?.catch(failed);
      } catch (error) {
        failed(error);
      }
    }),
  );
  status.receiveBufferBytes = socket.receiveBufferBytes;
  if (socket.receiveBufferBytes < receiveBufferBytes)
    log("warn", "the kernel limits DHCP's receive buffer to less than requested", {
      ...{ network: name, bytes: status.receiveBufferBytes, requested: receiveBufferBytes },
    });
  const frames = device === undefined ? undefined : openFrameSender(device);
  if (frames !== undefined) sockets.use(frames);
  const listener: DhcpListener = {
    ...{ socket, interface: device, endpoint: { address, port }, status },
    ...(frames === undefined ? {} : { frames }),
    ...(device === undefined ? {} : { probe: sockets.use(openAddressProbe(device)) }),
  };
  log("info", "DHCP server listening", { network: name, ...where, port, mode: network.mode, nursery });
  return socket.receiveBufferBytes;
}
