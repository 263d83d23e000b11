import { plainText } from "../bytes/plain-text.ts";
import { textFromBytes } from "../bytes/text.ts";
import { classifyMessage } from "../dhcp/client-message.ts";
import { type DhcpPacket, readClientMac } from "../dhcp/codec/packet.ts";
import { readDhcp } from "../dhcp/codec/read.ts";
import { relayRequests } from "../dhcp/codec/relay-agent.ts";
import { formatIpv4, type Ipv4, noAddress } from "../net/ipv4.ts";
import { readTftp } from "../tftp/packet.ts";
import { architectureOf } from "./architecture.ts";

/** A packet for display: the kind of message and its main facts. */
export type PacketText = { readonly kind: string; readonly facts: readonly string[] };

/** Describes a DHCP message. */
export function describeDhcp(bytes: Uint8Array): PacketText {
  const result = readDhcp(bytes);
  if (result.kind === "malformed") return { kind: "malformed", facts: [result.fault] };
  const { packet } = result;
  return {
    kind: kindOf(packet),
    facts: [...hardwareFacts(packet), ...dhcpFacts(packet)].flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [`${name} ${plainText(value)}`],
    ),
  };
}

function kindOf(packet: DhcpPacket): string {
  if (packet.options.dhcpMessageType !== undefined) return packet.options.dhcpMessageType;
  const message = classifyMessage(packet);
  return message.kind === "notForServers" && message.why !== "aReply" ? message.why : "bootp";
}

/** Named only if the message has no Ethernet address. */
function hardwareFacts(packet: DhcpPacket): readonly (readonly [name: string, value: string | undefined])[] {
  const from = readClientMac(packet);
  if (from.kind === "mac") return [];
  return [["hardware", from.why === "infiniBand" ? "infiniBand (not supported)" : from.why]];
}

/** Describes a TFTP packet without file contents. */
export function describeTftp(bytes: Uint8Array): PacketText {
  const { kind, facts } = tftpText(bytes);
  return { kind, facts: facts.map(plainText) };
}

function tftpText(bytes: Uint8Array): PacketText {
  const packet = readTftp(bytes);
  switch (packet.kind) {
    case "malformed":
      return { kind: "malformed", facts: [packet.fault] };
    case "readRequest":
    case "writeRequest":
      return { kind: packet.kind, facts: [`file ${packet.file}`, ...packet.options.map((pair) => pair.join(" "))] };
    case "optionAck":
      return { kind: packet.kind, facts: packet.options.map((pair) => pair.join(" ")) };
    case "error":
      return { kind: packet.kind, facts: [`code ${packet.code}`, packet.message] };
    case "data":
      return { kind: packet.kind, facts: [`block ${packet.block}`, `${packet.bytes.length} bytes`] };
    case "ack":
      return { kind: packet.kind, facts: [`block ${packet.block}`] };
  }
}

function dhcpFacts(packet: DhcpPacket): readonly (readonly [name: string, value: string | undefined])[] {
  const { options, ciaddr, yiaddr, siaddr, giaddr, file } = packet;
  const { linkSelection } = relayRequests(packet);
  const { clientSystemArchitecture, userClass, bootFileName, serverIdentifier, requestedIpAddress } = options;
  return [
    ["yiaddr", dotted(yiaddr)],
    ["ciaddr", dotted(ciaddr)],
    ["requested", dotted(requestedIpAddress)],
    ["server", dotted(serverIdentifier)],
    ["message", options.message],
    ["file", bootFileName ?? file],
    ["siaddr", dotted(siaddr)],
    ["class", options.vendorClassIdentifier],
    ["user-class", userClass === undefined ? undefined : textFromBytes(userClass)],
    [
      "arch",
      clientSystemArchitecture &&
        (architectureOf(clientSystemArchitecture)?.name ?? clientSystemArchitecture.join(",")),
    ],
    ["lease", options.ipAddressLeaseTime === undefined ? undefined : `${options.ipAddressLeaseTime}s`],
    ["relay", dotted(giaddr)],
    ["link", dotted(linkSelection)],
    ["xid", packet.xid.toString(16).padStart(8, "0")],
  ];
}

function dotted(address: Ipv4 | undefined): string | undefined {
  return address === undefined || address === noAddress ? undefined : formatIpv4(address);
}
