import { type Ipv4, noAddress } from "../net/ipv4.ts";
import type { DhcpPacket } from "./codec/packet.ts";

/** What a client wants, in RFC 2131's terms (§4.3, table 4). */
export type ClientMessage =
  /** `address` is the one it had before and would like again, if it says so. */
  | { readonly kind: "discover"; readonly address?: Ipv4 }
  /** It takes the offer of the server named. */
  | { readonly kind: "selecting"; readonly server: Ipv4; readonly address: Ipv4 }
  /** It remembers an address from before and asks whether that still holds. */
  | { readonly kind: "initReboot"; readonly address: Ipv4 }
  /** It uses the address and wants it for longer (RENEWING and REBINDING: the same to us). */
  | { readonly kind: "extending"; readonly address: Ipv4 }
  /** It found somebody else using the address. */
  | { readonly kind: "decline"; readonly address: Ipv4 }
  | { readonly kind: "release"; readonly address: Ipv4 }
  /** It has an address from elsewhere and wants the parameters only. */
  | { readonly kind: "inform"; readonly address: Ipv4 }
  | { readonly kind: "notForServers"; readonly why: "aReply" | "bootp" | "serverMessage" | "incompleteRequest" };

/** The messages that a server answers. */
export type Asking = Exclude<ClientMessage, { kind: "notForServers" | "release" | "decline" }>;

/** Sorts a packet by what its sender wants. */
export function classifyMessage(packet: DhcpPacket): ClientMessage {
  if (packet.op !== 1) return { kind: "notForServers", why: "aReply" };
  const { dhcpMessageType, requestedIpAddress } = packet.options;
  if (dhcpMessageType === undefined) return { kind: "notForServers", why: "bootp" };
  switch (dhcpMessageType) {
    case "discover":
      return { kind: "discover", ...(requestedIpAddress === undefined ? {} : { address: requestedIpAddress }) };
    case "request":
      return classifyRequest(packet);
    case "decline":
      return requestedIpAddress === undefined
        ? { kind: "notForServers", why: "incompleteRequest" }
        : { kind: "decline", address: requestedIpAddress };
    case "release":
      return { kind: "release", address: packet.ciaddr };
    case "inform":
      return packet.ciaddr === noAddress
        ? { kind: "notForServers", why: "incompleteRequest" }
        : { kind: "inform", address: packet.ciaddr };
    case "offer":
    case "ack":
    case "nak":
      return { kind: "notForServers", why: "serverMessage" };
  }
}

/** RFC 2131 §4.3.2: the state shows in options 50 and 54 and in ciaddr. */
function classifyRequest(packet: DhcpPacket): ClientMessage {
  const { requestedIpAddress, serverIdentifier } = packet.options;
  // Q13: some clients fill in ciaddr where it must be zero; with option 50 present it means nothing.
  if (serverIdentifier !== undefined && requestedIpAddress !== undefined)
    return { kind: "selecting", server: serverIdentifier, address: requestedIpAddress };
  if (requestedIpAddress !== undefined) return { kind: "initReboot", address: requestedIpAddress };
  if (packet.ciaddr !== noAddress) return { kind: "extending", address: packet.ciaddr };
  return { kind: "notForServers", why: "incompleteRequest" };
}
