import type { DhcpPacket } from "../../core/dhcp/codec/packet.ts";
import type { Destination } from "../../core/dhcp/destination.ts";
import { broadcastAddress, type Ipv4, noAddress } from "../../core/net/ipv4.ts";
import type { Mac } from "../../core/net/mac.ts";
import { udpPacket } from "../../core/net/pcap.ts";
import { noRouterAdvertisement } from "../../core/net/router-advertisement.ts";
import type { Log } from "../../core/ports.ts";
import type { FrameSender } from "../socket/frame-sender.ts";
import type { Peer } from "../socket/mmsghdr.ts";
import type { DhcpSocket } from "./socket.ts";

/** What sends answers. */
export type DhcpSender = {
  readonly socket: DhcpSocket;
  /** For clients that do not answer ARP yet; not on the relays' socket, nor without permission. */
  readonly frames?: FrameSender;
  /** The socket's address and port: 67, or 4011 for PXE clients that ask a boot server without leases. */
  readonly endpoint: { readonly address: Ipv4; readonly port: 67 | 4011 };
};

/** Source and destination of a reply. */
export type SentBetween = {
  readonly source: { readonly address: Ipv4; readonly port: number };
  readonly destination: { readonly address: Ipv4; readonly port: number };
};

/** Sends the bytes of a reply to its destination. */
export function sendReply(
  sender: DhcpSender,
  of: {
    readonly reply: DhcpPacket;
    readonly destination: Destination;
    readonly bytes: Uint8Array;
    readonly caller: Peer;
    readonly log: Log;
  },
): SentBetween {
  const { reply, destination, bytes, caller, log } = of;
  const port = destination.port === "source" ? caller.port : destination.port;
  if (destination.kind === "hardware") {
    const source = { address: reply.options.serverIdentifier ?? noAddress, port: sender.endpoint.port };
    if (sender.frames?.send(udpPacket({ source, destination, payload: bytes }), destination.mac))
      return { source, destination: { address: destination.address, port } };
  }
  const address = reachableAddress(destination);
  sender.socket.send(bytes, { address, port }, (why) => log("warn", "DHCP reply not sent", { why }));
  return { source: sender.endpoint, destination: { address, port } };
}

/**
 * The destination for a datagram socket. A client without its address answers no ARP, so a reply that cannot be sent to
 * its MAC address is broadcast: EDK2, iPXE and the systems we know accept that (netboot.md §5; Q14).
 */
function reachableAddress(destination: Destination): Ipv4 {
  return destination.kind === "relay" || destination.kind === "client" ? destination.address : broadcastAddress;
}

/** Tells a client that its wire has no IPv6 router, if we are on that wire. */
export function announceNoRouter({ frames }: DhcpSender, mac: Mac | undefined): void {
  if (frames !== undefined && mac !== undefined) frames.send(noRouterAdvertisement(frames.mac, mac), mac);
}
