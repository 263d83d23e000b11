import type { NetworkView } from "../../contract/operator/views.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { limitFaults } from "../../core/network/kernel-limits.ts";
import { type Network, type ServerPorts, serverAddresses } from "../../core/network/network.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { PacketLog } from "../observe/packet-log.ts";
import { type Place, receiveBufferBytes } from "../socket/device-socket.ts";
import { openFrameSender } from "../socket/frame-sender.ts";
import { readKernelLimits } from "../socket/kernel-limits.ts";
import { openAddressBook } from "./address-book.ts";
import { dhcpAnswers, type Ear } from "./answer.ts";
import { watchForeignServers } from "./foreign-watch.ts";
import type { LocalBoots } from "./local-boots.ts";
import { newStanding, type Standing, viewStanding } from "./network-status.ts";
import { openSeenRequests } from "./seen-requests.ts";
import { openDhcpSocket } from "./socket.ts";

/** The DHCP server of all networks. */
export type DhcpServer = AsyncDisposable & { readonly networks: () => readonly NetworkView[] };

/**
 * Answers DHCP and PXE on these networks until it is disposed of: by a socket bound to each local network's interface,
 * and by one on each address that relay agents write to.
 */
export async function startDhcpServer(deps: {
  readonly networks: readonly Network[];
  readonly ports: ServerPorts;
  readonly store: Store;
  readonly packets: PacketLog;
  readonly localBoots?: LocalBoots;
  /** Unknown machines are taken in up to so many records; newcomers.ts says what it is without this. */
  readonly maxMachines?: number;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<DhcpServer> {
  const { networks, log } = deps;
  const standings: ReadonlyMap<Network, Standing> = new Map(networks.map((network) => [network, newStanding(network)]));
  const book = openAddressBook(deps);
  await using sockets = new AsyncDisposableStack();
  // Disposed of after the sockets: then nothing more is seen.
  const seenRequests = sockets.use(openSeenRequests(deps));
  const receive = dhcpAnswers({ ...deps, standings, book, seenRequests });
  let bufferGranted = true;

  const hear = (standing: Standing, port: 67 | 4011 = 67): void => {
    const { network } = standing;
    const { interface: device, nursery, name, serverAddress: address } = network;
    const where = device === undefined ? { address: formatIpv4(address) } : { interface: device };
    const failed = (error: unknown) => log("error", "DHCP request failed", { network: name, error: String(error) });
    const listen = (place: Place) =>
      openDhcpSocket(place, (bytes, from) => {
        try {
          receive(ear, bytes, from)?.catch(failed);
        } catch (error) {
          failed(error);
        }
      });
    const socket = sockets.use(listen({ ...where, port }));
    standing.receiveBufferBytes = socket.receiveBufferBytes;
    if (standing.receiveBufferBytes < receiveBufferBytes) {
      bufferGranted = false;
      log("warn", "the kernel gives DHCP a smaller receive buffer than asked", {
        ...{ network: name, bytes: standing.receiveBufferBytes, asked: receiveBufferBytes },
      });
    }
    const frames = device === undefined ? undefined : openFrameSender(device);
    if (frames !== undefined) sockets.use(frames);
    const ear: Ear = {
      ...{ socket, interface: device, place: { address, port }, standing },
      ...(frames === undefined ? {} : { frames }),
    };
    log("info", "DHCP server listens", { network: name, ...where, port, mode: network.mode ?? "full", nursery });
  };

  const ours = new Set(networks.flatMap(serverAddresses));
  const watch = async (standing: Standing): Promise<void> => {
    const { network } = standing;
    const { interface: device } = network;
    if (device === undefined) return;
    try {
      standing.watcher = sockets.use(
        await watchForeignServers({ ...deps, network: { ...network, interface: device }, ours }),
      );
    } catch (error) {
      // A DHCP client of this computer may have port 68 to itself.
      log("warn", "other DHCP servers cannot be looked for", { network: network.name, error: String(error) });
    }
  };
  await Promise.all([...standings.values()].map(watch));

  const relayed = new Set<number>();
  for (const standing of standings.values()) {
    const { interface: device, serverAddress } = standing.network;
    // Relayed networks with one server address share its socket.
    if (device === undefined && relayed.has(serverAddress)) continue;
    if (device === undefined) relayed.add(serverAddress);
    hear(standing);
    if (standing.network.mode === "proxy") hear(standing, 4011);
  }
  for (const { message, next } of limitFaults(readKernelLimits(), { networks, receiveBufferBytes, bufferGranted }))
    log("warn", message, { next });
  const running = sockets.move();
  return {
    networks: () => [...standings.values()].map((standing) => viewStanding(standing, book)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
