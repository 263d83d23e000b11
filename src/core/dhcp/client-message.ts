import { type Ipv4, noAddress } from "../net/ipv4.ts";
import { type UnhandledType, unhandledType } from "./codec/message-type.ts";
import { optionTable } from "./codec/option-table.ts";
import type { DhcpPacket } from "./codec/packet.ts";

/** The purpose of a client's message, in RFC 2131's terms (§4.3, table 4). */
export type ClientMessage =
  /** `address` is the former address that the client requests, if any. */
  | { readonly kind: "discover"; readonly address?: Ipv4 }
  /** The client accepts the offer of the named server. */
  | { readonly kind: "selecting"; readonly server: Ipv4; readonly address: Ipv4 }
  /** The client asks whether a remembered address is still valid. */
  | { readonly kind: "initReboot"; readonly address: Ipv4 }
  /** The client extends the lease of its address (RENEWING or REBINDING). */
  | { readonly kind: "extending"; readonly address: Ipv4 }
  /** The client found another host at the address. */
  | { readonly kind: "decline"; readonly address: Ipv4 }
  | { readonly kind: "release"; readonly address: Ipv4 }
  /** The client has an address from elsewhere and requests only parameters. */
  | { readonly kind: "inform"; readonly address: Ipv4 }
  | {
      readonly kind: "notForServers";
      readonly why: "aReply" | "bootp" | "serverMessage" | "incompleteRequest" | UnhandledType;
    };

/** The messages that a server answers. */
export type Asking = Exclude<ClientMessage, { kind: "notForServers" | "release" | "decline" }>;

/** Classifies a packet by the purpose of its sender. */
export function classifyMessage(packet: DhcpPacket): ClientMessage {
  if (packet.op !== 1) return { kind: "notForServers", why: "aReply" };
  const { dhcpMessageType, requestedIpAddress } = packet.options;
  if (dhcpMessageType === undefined) {
    const other = packet.otherOptions.get(optionTable.dhcpMessageType.code);
    return { kind: "notForServers", why: other === undefined ? "bootp" : unhandledType(other) };
  }
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

/** RFC 2131 §4.3.2: options 50 and 54 and ciaddr reveal the state of the client. */
function classifyRequest(packet: DhcpPacket): ClientMessage {
  const { requestedIpAddress, serverIdentifier } = packet.options;
  // Q13: some clients set ciaddr when it must be zero; with option 50 it is ignored.
  if (serverIdentifier !== undefined && requestedIpAddress !== undefined)
    return { kind: "selecting", server: serverIdentifier, address: requestedIpAddress };
  if (requestedIpAddress !== undefined) return { kind: "initReboot", address: requestedIpAddress };
  if (packet.ciaddr !== noAddress) return { kind: "extending", address: packet.ciaddr };
  return { kind: "notForServers", why: "incompleteRequest" };
}
