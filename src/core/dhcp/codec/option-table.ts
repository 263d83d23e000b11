import type { Ipv4 } from "../../net/ipv4.ts";
import type { MessageType } from "./message-type.ts";

/** The value of each kind of option; option-value.ts reads and writes them. */
export type OptionKinds = {
  ipv4: Ipv4;
  ipv4List: readonly Ipv4[];
  uint8: number;
  uint16: number;
  uint32: number;
  uint16List: readonly number[];
  /** Option codes, one byte each. */
  codeList: readonly number[];
  messageType: MessageType;
  text: string;
  /** Text written with a trailing zero byte: buggy ROMs run past the end of options 66 and 67 (netboot.md Q10). */
  terminatedText: string;
  bytes: Uint8Array;
};

/**
 * The options that Birther interprets, by their RFC 2132 names. To add an option, add a row; an option without a row is kept
 * as bytes. Option 52 (overload) has no row: read.ts and write.ts handle it.
 */
export const optionTable = {
  subnetMask: { code: 1, kind: "ipv4" },
  routers: { code: 3, kind: "ipv4List" },
  domainNameServers: { code: 6, kind: "ipv4List" },
  /** RFC 2132 §3.9: who takes log lines by UDP. */
  logServers: { code: 7, kind: "ipv4List" },
  hostName: { code: 12, kind: "text" },
  bootFileSize: { code: 13, kind: "uint16" },
  domainName: { code: 15, kind: "text" },
  broadcastAddress: { code: 28, kind: "ipv4" },
  vendorSpecificInformation: { code: 43, kind: "bytes" },
  requestedIpAddress: { code: 50, kind: "ipv4" },
  ipAddressLeaseTime: { code: 51, kind: "uint32" },
  dhcpMessageType: { code: 53, kind: "messageType" },
  serverIdentifier: { code: 54, kind: "ipv4" },
  parameterRequestList: { code: 55, kind: "codeList" },
  message: { code: 56, kind: "text" },
  maximumDhcpMessageSize: { code: 57, kind: "uint16" },
  renewalTimeValue: { code: 58, kind: "uint32" },
  rebindingTimeValue: { code: 59, kind: "uint32" },
  vendorClassIdentifier: { code: 60, kind: "text" },
  clientIdentifier: { code: 61, kind: "bytes" },
  tftpServerName: { code: 66, kind: "terminatedText" },
  bootFileName: { code: 67, kind: "terminatedText" },
  /** RFC 3004, but iPXE and dhclient send it without the length bytes (netboot.md §1.4): core/pxe reads both. */
  userClass: { code: 77, kind: "bytes" },
  /** RFC 3046: echoed byte for byte, and last. */
  relayAgentInformation: { code: 82, kind: "bytes" },
  /** RFC 4578 §2.1: the client's architectures, as numbers of the table in core/pxe/architecture.ts. */
  clientSystemArchitecture: { code: 93, kind: "uint16List" },
  clientNetworkInterface: { code: 94, kind: "bytes" },
  /** RFC 4578 §2.3: a type byte and the machine's GUID. Neither unique nor stable (netboot.md Q7). */
  clientMachineIdentifier: { code: 97, kind: "bytes" },
  /** RFC 3011: the subnet to allocate the address from; echoed. */
  subnetSelection: { code: 118, kind: "ipv4" },
  /** iPXE's own sub-options (its include/ipxe/dhcp.h). */
  etherbootEncapsulated: { code: 175, kind: "bytes" },
} as const satisfies { readonly [name: string]: { readonly code: number; readonly kind: keyof OptionKinds } };

export type OptionName = keyof typeof optionTable;

/** Options by name, each with the value of its kind. */
export type DhcpOptions = {
  readonly [Name in OptionName]?: OptionKinds[(typeof optionTable)[Name]["kind"]];
};

type NamedRow = { readonly name: OptionName; readonly kind: keyof OptionKinds };

/** Options under construction. */
export type OptionsInMaking = { -readonly [Name in OptionName]?: NonNullable<DhcpOptions[Name]> };

/** The row of a code: its name and kind; undefined for an option without a row. */
export function optionOfCode(code: number): NamedRow | undefined {
  return rowsByCode[code];
}

const rowsByCode: readonly (NamedRow | undefined)[] = Array.from({ length: 256 }, (_, code) => {
  const found = Object.entries(optionTable).find(([, row]) => row.code === code);
  return found && { name: found[0] as OptionName, kind: found[1].kind };
});
