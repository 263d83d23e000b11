import { clientMessage } from "../dhcp/client-frame.ts";
import { type DhcpOptions, type OptionName, optionTable } from "../dhcp/codec/option-table.ts";
import { clientMac, type DhcpPacket } from "../dhcp/codec/packet.ts";
import { type Endpoint, parseEndpoint } from "../net/endpoint.ts";
import { type Ipv4, isUnicast, maskLength } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import { settingsPath } from "../pxe/answer.ts";
import { signedImageClass } from "../pxe/client.ts";
import { syslogPort } from "../syslog/message.ts";

/** An address on the wire, and where the settings of this machine are. Nothing of it is verified. */
export type SettingsPlace = {
  readonly address: Ipv4;
  readonly prefixLength: number;
  readonly gateway?: Ipv4;
  /** The DHCP server that leased the address. */
  readonly leasedBy: Ipv4;
  readonly server: Endpoint;
  readonly path: string;
  /** Where log lines may go before the settings are there: the server that has them, if it says that it takes lines. */
  readonly log?: Endpoint;
};

/**
 * The search of init of the signed image, whose command line names no machine: a DHCP client that needs a lease and the
 * address of its settings. In mode `proxy` they come from two servers. The lease is used for minutes and never renewed.
 */
export type SettingsSearch = {
  readonly mac: Mac;
  readonly xid: number;
  /** When the last message was sent. */
  readonly sentMs?: number;
  readonly offer?: DhcpPacket;
  readonly settings?: Pick<SettingsPlace, "server" | "path" | "log">;
  /** The lease was requested. */
  readonly requesting: boolean;
};

/** What to do next; `wakeAtMs` is when to step again if no frame arrives. */
export type SearchStep =
  | { readonly kind: "found"; readonly place: SettingsPlace }
  | {
      readonly kind: "waiting";
      readonly search: SettingsSearch;
      readonly send?: DhcpPacket;
      readonly wakeAtMs: number;
    };

/** Time after which a message is sent again (RFC 2131 §4.1). */
const repeatMs = 4000;

/** The beginning of a search. */
export function beginSearch(mac: Mac, xid: number): SettingsSearch {
  return { mac, xid, requesting: false };
}

/** Takes a message of a server, or the passing of time. */
export function stepSearch(search: SettingsSearch, packet: DhcpPacket | undefined, nowMs: number): SearchStep {
  const answered = packet === undefined || !isFor(search, packet) ? undefined : packet;
  const { dhcpMessageType: type, serverIdentifier } = answered?.options ?? {};
  const isChosen = search.requesting && serverIdentifier === search.offer?.options.serverIdentifier;
  if (answered !== undefined && isChosen && type === "ack") {
    const place = placeOf(answered, settingsIn(answered, search.mac) ?? search.settings);
    if (place !== undefined) return { kind: "found", place };
  }
  // A server that takes its offer back is asked for another one.
  if (isChosen && type === "nak") return send(beginSearch(search.mac, search.xid + 1), nowMs);
  const known = answered !== undefined && type === "offer" ? withOffer(search, answered) : search;
  const isReady = !known.requesting && known.offer !== undefined && known.settings !== undefined;
  if (isReady) return send({ ...known, requesting: true }, nowMs);
  const dueMs = (known.sentMs ?? Number.NEGATIVE_INFINITY) + repeatMs;
  if (nowMs < dueMs) return { kind: "waiting", search: known, wakeAtMs: dueMs };
  // Without an acknowledgement the search begins again: the server may have forgotten the offer.
  return send(known.requesting ? beginSearch(known.mac, known.xid + 1) : known, nowMs);
}

function isFor({ mac, xid }: SettingsSearch, packet: DhcpPacket): boolean {
  return packet.op === 2 && packet.xid === xid && clientMac(packet) === mac;
}

/** A lease that comes with settings is Birther's own, and replaces the one of another server. */
function withOffer(search: SettingsSearch, packet: DhcpPacket): SettingsSearch {
  const settings = settingsIn(packet, search.mac);
  const isLease = isUnicast(packet.yiaddr) && packet.options.serverIdentifier !== undefined;
  const takes = isLease && (search.offer === undefined || settings !== undefined);
  return {
    ...search,
    ...(takes ? { offer: packet } : {}),
    ...(settings === undefined ? {} : { settings }),
  };
}

/** The address of this machine's settings in a boot file name, and whether its host takes log lines; undefined for any other. */
function settingsIn({ options, file }: DhcpPacket, mac: Mac): SettingsSearch["settings"] {
  const [, authority = "", path = ""] = /^http:\/\/([\d.:]+)(\/.*)$/.exec(options.bootFileName ?? file) ?? [];
  const server = parseEndpoint(authority.includes(":") ? authority : `${authority}:80`);
  if (server === undefined || path !== settingsPath(mac)) return undefined;
  // Lines for another host are not sent: an answer on the wire must not aim this machine at a third one.
  const takesLines = options.logServers?.includes(server.address) === true;
  return { server, path, ...(takesLines ? { log: { address: server.address, port: syslogPort } } : {}) };
}

function placeOf(ack: DhcpPacket, settings: SettingsSearch["settings"]): SettingsPlace | undefined {
  const { subnetMask, routers, serverIdentifier: leasedBy } = ack.options;
  if (settings === undefined || subnetMask === undefined || !isUnicast(ack.yiaddr)) return undefined;
  if (leasedBy === undefined) return undefined;
  const [gateway] = routers ?? [];
  const prefixLength = maskLength(subnetMask);
  if (prefixLength === undefined || prefixLength === 0) return undefined;
  return { address: ack.yiaddr, prefixLength, leasedBy, ...(gateway === undefined ? {} : { gateway }), ...settings };
}

function send(search: SettingsSearch, nowMs: number): SearchStep {
  const packet = messageOf(search);
  return { kind: "waiting", search: { ...search, sentMs: nowMs }, send: packet, wakeAtMs: nowMs + repeatMs };
}

const wanted: readonly OptionName[] = ["subnetMask", "routers", "logServers", "bootFileName"];

function messageOf({ mac, xid, offer, requesting }: SettingsSearch): DhcpPacket {
  const common: DhcpOptions = {
    dhcpMessageType: requesting ? "request" : "discover",
    maximumDhcpMessageSize: 1500,
    vendorClassIdentifier: signedImageClass,
    parameterRequestList: wanted.map((name) => optionTable[name].code),
  };
  const server = offer?.options.serverIdentifier;
  const chosen: DhcpOptions =
    requesting && offer !== undefined && server !== undefined
      ? { requestedIpAddress: offer.yiaddr, serverIdentifier: server }
      : {};
  return clientMessage(mac, xid, { ...common, ...chosen });
}
