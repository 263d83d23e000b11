import { type Ipv4, noAddress } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import { broadcastFlag, clientMac, type DhcpPacket } from "./codec/packet.ts";
import { relayRequests } from "./codec/relay-agent.ts";

/** The destination of a reply (RFC 2131 §4.1). The boot server implements it as far as its socket allows. */
export type Destination =
  /** To the relay that forwarded the request; to its source port if it requested that (RFC 8357). */
  | { readonly kind: "relay"; readonly address: Ipv4; readonly port: 67 | "source" }
  /** To a client that already uses its address; port 68, or the source port of a request to port 4011. */
  | { readonly kind: "client"; readonly address: Ipv4; readonly port: number }
  | { readonly kind: "broadcast"; readonly port: 68 }
  /** To the MAC address and yiaddr, without ARP: the client does not answer ARP yet. */
  | { readonly kind: "hardware"; readonly address: Ipv4; readonly mac: Mac; readonly port: 68 };

/** Decides where the reply to a request goes (netboot.md D4). */
export function replyDestination(request: DhcpPacket, reply: DhcpPacket): Destination {
  if (request.giaddr !== noAddress)
    return { kind: "relay", address: request.giaddr, port: relayRequests(request).answerToSourcePort ? "source" : 67 };
  if (reply.options.dhcpMessageType === "nak") return { kind: "broadcast", port: 68 };
  // The reply's ciaddr is the client's own if it can be trusted (Q13), else zero.
  if (reply.ciaddr !== noAddress) return { kind: "client", address: reply.ciaddr, port: 68 };
  if ((request.flags & broadcastFlag) !== 0) return { kind: "broadcast", port: 68 };
  const mac = clientMac(request);
  if (mac === undefined) return { kind: "broadcast", port: 68 };
  return { kind: "hardware", address: reply.yiaddr, mac, port: 68 };
}
