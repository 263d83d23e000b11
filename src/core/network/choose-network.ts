import type { DhcpPacket } from "../dhcp/codec/packet.ts";
import { relayRequests } from "../dhcp/codec/relay-agent.ts";
import { type Ipv4, noAddress } from "../net/ipv4.ts";
import { type Network, networkContains } from "./network.ts";

/**
 * The network that a message comes from; undefined if it is not served. In order: the relay's link selection (RFC 3527),
 * subnet selection (RFC 3011, which that overrides), the relay's own address, the address that a client already uses
 * (it renews by unicast, bypassing its relay), and the interface that received the message.
 */
export function chooseNetwork(
  packet: DhcpPacket,
  networks: readonly Network[],
  interfaceName: string | undefined,
): Network | undefined {
  const link = relayRequests(packet).linkSelection ?? packet.options.subnetSelection;
  if (link !== undefined) return networks.find((network) => networkContains(network, link));
  if (packet.giaddr !== noAddress) return networks.find((network) => hasRelay(network, packet.giaddr));
  const arrived = networks.find((network) => interfaceName !== undefined && network.interface === interfaceName);
  if (packet.ciaddr === noAddress || packet.options.dhcpMessageType === "discover") return arrived;
  const used = networks.find((network) => networkContains(network, packet.ciaddr));
  // A broadcast belongs to the network it was received on, unless the address belongs to a network without an interface here.
  return used !== undefined && (arrived === undefined || used.relay !== undefined) ? used : arrived;
}

function hasRelay(network: Network, giaddr: Ipv4): boolean {
  return networkContains(network, giaddr) || (network.relay?.agents.includes(giaddr) ?? false);
}
