import { type Ipv4, noAddress } from "../net/ipv4.ts";
import { type DhcpOptions, type OptionName, type OptionsInMaking, optionTable } from "./codec/option-table.ts";
import { broadcastFlag, type DhcpPacket, fileLength } from "./codec/packet.ts";
import { largestMessage } from "./codec/write.ts";

/** The content of a reply; `replyTo` encodes it as the request requires. */
export type ReplyContent =
  | { readonly type: "nak"; readonly server: Ipv4; readonly message: string }
  | {
      readonly type: "offer" | "ack";
      readonly server: Ipv4;
      /** The client's address; 0.0.0.0 in the answer to INFORM. */
      readonly address: Ipv4;
      /** Absent in the answer to INFORM (RFC 2131 §4.3.5). */
      readonly leaseSeconds?: number;
      /** Options to send unconditionally. */
      readonly always: DhcpOptions;
      /** Options to send if the client's option 55 lists them (netboot.md D11). */
      readonly ifRequested: DhcpOptions;
      /** Boot file and the server that has it (option 67 and `file`, 66 and siaddr). */
      readonly boot?: { readonly file: string; readonly server: Ipv4 } | undefined;
    };

/** Builds the reply to a request by RFC 2131 table 3 (netboot.md D1–D3, D11, D12, RFC 6842 for option 61). */
export function replyTo(request: DhcpPacket, content: ReplyContent): DhcpPacket {
  const { htype, hlen, xid, giaddr, chaddr } = request;
  const header = { op: 2, htype, hlen, hops: 0, xid, secs: 0, giaddr, chaddr, sname: "", otherOptions: none } as const;
  if (content.type === "nak")
    return {
      ...header,
      // RFC 2131 §4.3.2: the relay must broadcast a NAK, because the client cannot be reached at its old address.
      flags: giaddr === noAddress ? request.flags : request.flags | broadcastFlag,
      ciaddr: noAddress,
      yiaddr: noAddress,
      siaddr: noAddress,
      file: "",
      options: nakOptions(request, content),
    };
  const { boot } = content;
  return {
    ...header,
    flags: request.flags,
    ciaddr: content.type === "ack" && request.options.requestedIpAddress === undefined ? request.ciaddr : noAddress,
    yiaddr: content.address,
    siaddr: boot?.server ?? noAddress,
    // A name that is too long for the field goes only into option 67.
    file: boot !== undefined && boot.file.length < fileLength ? boot.file : "",
    options: leaseOptions(request, content),
  };
}

const none: ReadonlyMap<number, Uint8Array> = new Map();

/** The IP packet size that every client must accept (RFC 2131 §2), and the size of the headers in it. */
const everybodysMaximum = 576;
const ipAndUdpHeaders = 28;

/** The maximum size of a reply to this client: its option 57 includes the IP and UDP headers (RFC 2132 §9.10). */
export function replyLimit(request: DhcpPacket): number {
  const stated = request.options.maximumDhcpMessageSize ?? everybodysMaximum;
  return Math.min(largestMessage, Math.max(stated, everybodysMaximum) - ipAndUdpHeaders);
}

function isRequested(request: DhcpPacket, name: OptionName): boolean {
  const list = request.options.parameterRequestList;
  // A client without the list leaves the choice to the server (RFC 2131 §4.3.1).
  return list === undefined || list.includes(optionTable[name].code);
}

function nakOptions(request: DhcpPacket, { server, message }: ReplyContent & { readonly type: "nak" }): DhcpOptions {
  const options: OptionsInMaking = { dhcpMessageType: "nak", serverIdentifier: server, message };
  // RFC 2131 table 3 allows no others, besides the relay's own (RFC 3046 §2.2).
  const { clientIdentifier, relayAgentInformation } = request.options;
  if (clientIdentifier !== undefined) options.clientIdentifier = clientIdentifier;
  if (relayAgentInformation !== undefined) options.relayAgentInformation = relayAgentInformation;
  return options;
}

// Options are set one by one: spreading objects costs each reply three times as much.
function leaseOptions(request: DhcpPacket, content: Exclude<ReplyContent, { type: "nak" }>): DhcpOptions {
  const { type, server, leaseSeconds, always, ifRequested, boot } = content;
  const options: OptionsInMaking = { dhcpMessageType: type, serverIdentifier: server };
  if (leaseSeconds !== undefined) options.ipAddressLeaseTime = leaseSeconds;
  Object.assign(options, always);
  if (boot !== undefined && (isRequested(request, "bootFileName") || boot.file.length >= fileLength))
    options.bootFileName = boot.file;
  for (const name of Object.keys(ifRequested) as OptionName[])
    if (isRequested(request, name)) putOption(options, name, ifRequested[name]);
  echo(options, request);
  return options;
}

function putOption<Name extends OptionName>(options: OptionsInMaking, name: Name, value: DhcpOptions[Name]): void {
  if (value !== undefined) options[name] = value;
}

/**
 * The options to echo: client identifier (RFC 6842), machine identifier (PXE 2.1, Q6), subnet selection (RFC 3011
 * §2.1), relay information (RFC 3046).
 */
function echo(options: OptionsInMaking, request: DhcpPacket): void {
  const { clientIdentifier, clientMachineIdentifier, subnetSelection, relayAgentInformation } = request.options;
  if (clientIdentifier !== undefined) options.clientIdentifier = clientIdentifier;
  if (clientMachineIdentifier !== undefined) options.clientMachineIdentifier = clientMachineIdentifier;
  if (subnetSelection !== undefined) options.subnetSelection = subnetSelection;
  if (relayAgentInformation !== undefined && request.giaddr !== noAddress)
    options.relayAgentInformation = relayAgentInformation;
}
