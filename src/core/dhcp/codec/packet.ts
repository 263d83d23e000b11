import { uint8At } from "../../bytes/big-endian.ts";
import type { Ipv4 } from "../../net/ipv4.ts";
import { type Mac, macFromBytes } from "../../net/mac.ts";
import type { DhcpOptions } from "./option-table.ts";

/** A DHCP message; the fields have the names of RFC 2131 §2. */
export type DhcpPacket = {
  /** 1 from a client, 2 from a server. */
  readonly op: 1 | 2;
  readonly htype: number;
  /** Number of significant bytes in chaddr, 0 to 16. */
  readonly hlen: number;
  readonly hops: number;
  readonly xid: number;
  readonly secs: number;
  readonly flags: number;
  readonly ciaddr: Ipv4;
  readonly yiaddr: Ipv4;
  readonly siaddr: Ipv4;
  readonly giaddr: Ipv4;
  /** All sixteen bytes, as received. */
  readonly chaddr: Uint8Array;
  /** Empty if the field held options (overload) or nothing. */
  readonly sname: string;
  readonly file: string;
  readonly options: DhcpOptions;
  /** Options without a row in the table, and options with an invalid value, by code. */
  readonly otherOptions: ReadonlyMap<number, Uint8Array>;
};

/** Why bytes are not a DHCP message. Counted by kind, never answered. */
export type MalformedDhcp = {
  readonly kind: "malformed";
  readonly fault:
    | "tooShort"
    | "badOperation"
    | "badHardwareLength"
    | "noMagicCookie"
    | "badRelayAddress"
    | "truncatedOption";
};

/** Bit of `flags`: the client cannot receive unicast before it has its address (RFC 2131 §2). */
export const broadcastFlag = 0x8000;

/** 99.130.83.99: marks the options field (RFC 2131 §3). */
export const magicCookie = 0x63825363;

/** Where the hardware address and the two text fields begin, and how many bytes they have. */
export const chaddrAt = 28;
export const chaddrLength = 16;
export const snameAt = 44;
export const snameLength = 64;
export const fileAt = 108;
export const fileLength = 128;

/** Bytes of the fixed part, with the cookie. */
export const headerLength = 240;

/** Hardware types (IANA "ARP Parameters"): Ethernet, and InfiniBand (RFC 4390). */
const ethernet = 1;
const infiniBand = 32;

/** Why a message has no Ethernet address of a client. */
export type NoClientMac =
  /** IP over InfiniBand (RFC 4390): unsupported. */
  | "infiniBand"
  /** A group address, broadcast or zero: no NIC has one. */
  | "impossibleMac"
  /** Other hardware, or the GUID in place of the address (netboot.md Q8). */
  | "noEthernetAddress";

/** The client's Ethernet address, or why there is none. */
export type ClientMacReading =
  | { readonly kind: "mac"; readonly mac: Mac }
  | { readonly kind: "none"; readonly why: NoClientMac };

/** Reads the client's Ethernet address. */
export function readClientMac({ htype, hlen, chaddr }: DhcpPacket): ClientMacReading {
  if (htype === infiniBand) return { kind: "none", why: "infiniBand" };
  if (htype !== ethernet || hlen !== 6) return { kind: "none", why: "noEthernetAddress" };
  const isGroup = (uint8At(chaddr, 0) & 1) !== 0;
  const isZero = chaddr.subarray(0, 6).every((byte) => byte === 0);
  return isGroup || isZero ? { kind: "none", why: "impossibleMac" } : { kind: "mac", mac: macFromBytes(chaddr) };
}

/** The client's Ethernet address; undefined if it has none. */
export function clientMac(packet: DhcpPacket): Mac | undefined {
  const reading = readClientMac(packet);
  return reading.kind === "mac" ? reading.mac : undefined;
}
