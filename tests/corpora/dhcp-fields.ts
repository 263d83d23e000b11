import { hexFromBytes } from "../../src/core/bytes/text.ts";
import { codeOfMessageType, type MessageType } from "../../src/core/dhcp/codec/message-type.ts";
import { type DhcpOptions, type OptionName, optionTable } from "../../src/core/dhcp/codec/option-table.ts";
import type { DhcpPacket } from "../../src/core/dhcp/codec/packet.ts";
import type { readDhcp } from "../../src/core/dhcp/codec/read.ts";
import { formatIpv4, type Ipv4 } from "../../src/core/net/ipv4.ts";
import { macFromBytes } from "../../src/core/net/mac.ts";
import type { Fields, Reading } from "./compare.ts";
import type { Dissection } from "./tshark.ts";

/** tshark's names of the fixed fields and of the options that it interprets as we do. */
const interpreted = {
  subnetMask: "dhcp.option.subnet_mask",
  routers: "dhcp.option.router",
  domainNameServers: "dhcp.option.domain_name_server",
  logServers: "dhcp.option.log_server",
  hostName: "dhcp.option.hostname",
  domainName: "dhcp.option.domain_name",
  broadcastAddress: "dhcp.option.broadcast_address",
  requestedIpAddress: "dhcp.option.requested_ip_address",
  ipAddressLeaseTime: "dhcp.option.ip_address_lease_time",
  dhcpMessageType: "dhcp.option.dhcp",
  serverIdentifier: "dhcp.option.dhcp_server_id",
  parameterRequestList: "dhcp.option.request_list_item",
  message: "dhcp.option.message",
  maximumDhcpMessageSize: "dhcp.option.dhcp_max_message_size",
  renewalTimeValue: "dhcp.option.renewal_time_value",
  rebindingTimeValue: "dhcp.option.rebinding_time_value",
  vendorClassIdentifier: "dhcp.option.vendor_class_id",
  tftpServerName: "dhcp.option.tftp_server_name",
  bootFileName: "dhcp.option.bootfile_name",
} as const satisfies { readonly [name in OptionName]?: string };
type Interpreted = keyof typeof interpreted;

const rows = Object.entries(optionTable) as [OptionName, (typeof optionTable)[OptionName]][];
const interpretedNames = Object.keys(interpreted) as Interpreted[];
const interpretedCodes: ReadonlySet<string> = new Set(interpretedNames.map((name) => String(optionTable[name].code)));

const header = [
  ...(["dhcp.type", "dhcp.hw.type", "dhcp.hw.len", "dhcp.hops", "dhcp.id", "dhcp.secs", "dhcp.flags"] as const),
  ...(["dhcp.ip.client", "dhcp.ip.your", "dhcp.ip.server", "dhcp.ip.relay", "dhcp.server", "dhcp.file"] as const),
] as const;

/** Every field that `dhcpByTshark` reads. */
export const dhcpFields = [
  ...header,
  ...(["dhcp.hw.mac_addr", "dhcp.cookie", "dhcp.option.type", "dhcp.option.length", "dhcp.option.value"] as const),
  ...Object.values(interpreted),
] as const;

/** What tshark reads: options that it interprets as we do by our names, others in hex; undefined if it is no DHCP message. */
export function dhcpByTshark(of: Dissection<(typeof dhcpFields)[number]>): Fields | undefined {
  if (of("dhcp.cookie").length === 0) return undefined;
  const fixed = header.map((name) => [name, of(name)[0] ?? ""] as const);
  const typed = interpretedNames.flatMap((name) => {
    const values = of(interpreted[name]);
    return values.length === 0 ? [] : [[name, values.join(" ")] as const];
  });
  const mac = of("dhcp.hw.mac_addr")[0];
  return Object.fromEntries([...fixed, ...(isEthernet(of) ? [["mac", mac ?? ""]] : []), ...typed, ...rawByTshark(of)]);
}

function isEthernet(of: Dissection<(typeof dhcpFields)[number]>): boolean {
  return of("dhcp.hw.type")[0] === "0x01" && of("dhcp.hw.len")[0] === "6";
}

/** Options that are not interpreted, in hex, pieces joined as RFC 3396 says. An empty option has no value, and pad and end not even a length. */
function rawByTshark(of: Dissection<(typeof dhcpFields)[number]>): [string, string][] {
  const values = of("dhcp.option.value").values();
  const lengths = of("dhcp.option.length").values();
  const found = new Map<string, string>();
  for (const type of of("dhcp.option.type")) {
    if (type === "0" || type === "255") continue;
    const piece = lengths.next().value === "0" ? "" : (values.next().value ?? "");
    found.set(type, (found.get(type) ?? "") + piece);
  }
  return [...found].filter(([type]) => !interpretedCodes.has(type)).map(([type, hex]) => [`option ${type}`, hex]);
}

/** What our decoder reads. */
export function dhcpByUs(reading: ReturnType<typeof readDhcp>): Reading {
  return reading.kind === "malformed"
    ? { kind: "refused", why: reading.fault }
    : { kind: "read", fields: fieldsOf(reading.packet) };
}

function fieldsOf(packet: DhcpPacket): Fields {
  const { op, htype, hlen, hops, xid, secs, flags, chaddr, options, otherOptions } = packet;
  const hex = (value: number, digits: number) => `0x${value.toString(16).padStart(digits, "0")}`;
  return {
    ...{
      "dhcp.type": String(op),
      "dhcp.hw.type": hex(htype, 2),
      "dhcp.hw.len": String(hlen),
      "dhcp.hops": String(hops),
    },
    ...{ "dhcp.id": hex(xid, 8), "dhcp.secs": String(secs), "dhcp.flags": hex(flags, 4) },
    ...{ "dhcp.ip.client": formatIpv4(packet.ciaddr), "dhcp.ip.your": formatIpv4(packet.yiaddr) },
    ...{ "dhcp.ip.server": formatIpv4(packet.siaddr), "dhcp.ip.relay": formatIpv4(packet.giaddr) },
    ...{ "dhcp.server": packet.sname, "dhcp.file": packet.file },
    ...(htype === 1 && hlen === 6 ? { mac: macFromBytes(chaddr) } : {}),
    ...Object.fromEntries(interpretedNames.flatMap((name) => typedByUs(name, options))),
    ...Object.fromEntries(rows.flatMap(([name, { code }]) => rawByUs(code, options[name]))),
    ...Object.fromEntries([...otherOptions].map(([code, bytes]) => otherByUs(code, bytes))),
  };
}

function typedByUs(name: Interpreted, options: DhcpOptions): [string, string][] {
  const value = options[name];
  if (value === undefined) return [];
  const { kind } = optionTable[name];
  if (kind === "messageType") return [[name, String(codeOfMessageType(value as MessageType))]];
  const isAddress = kind === "ipv4" || kind === "ipv4List";
  const texts = [value].flat().map((each) => (isAddress ? formatIpv4(each as Ipv4) : String(each)));
  return [[name, texts.join(" ")]];
}

function rawByUs(code: number, value: unknown): [string, string][] {
  return value instanceof Uint8Array ? [[`option ${code}`, hexFromBytes(value)]] : [];
}

/** A message type that we do not handle stays a number. */
function otherByUs(code: number, bytes: Uint8Array): [string, string] {
  return code === optionTable.dhcpMessageType.code && bytes.length === 1
    ? ["dhcpMessageType", String(bytes[0])]
    : [`option ${code}`, hexFromBytes(bytes)];
}
