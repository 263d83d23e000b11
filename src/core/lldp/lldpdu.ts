import { plainText } from "../bytes/plain-text.ts";
import { bytesFromHex, hexFromBytes, textFromBytes } from "../bytes/text.ts";
import { decodeUtf8, encodeUtf8 } from "../bytes/utf8.ts";
import type { Mac } from "../net/mac.ts";
import { macFromBytes, macToBytes } from "../net/mac.ts";

/** The Ethernet type of LLDP (IEEE 802.1AB-2016 §7.3). */
export const lldpEtherType = 0x88cc;

/** Nearest bridge: the group address that no switch forwards (IEEE 802.1AB-2016 table 7-1). */
export const lldpGroup = "01:80:c2:00:00:0e" as Mac;

/** TLV types that say where a cable ends (IEEE 802.1AB-2016 table 8-1); all others are skipped. */
export const tlvTypes = { end: 0, chassisId: 1, portId: 2, timeToLive: 3, portDescription: 4, systemName: 5 } as const;

/** Chassis id subtypes by number (IEEE 802.1AB-2016 table 8-2). */
export const chassisKinds = {
  1: "chassisComponent",
  2: "interfaceAlias",
  3: "portComponent",
  4: "mac",
  5: "networkAddress",
  6: "interfaceName",
  7: "local",
} as const;
export type ChassisKind = (typeof chassisKinds)[keyof typeof chassisKinds];

/** Port id subtypes by number (IEEE 802.1AB-2016 table 8-3). */
export const portKinds = {
  1: "interfaceAlias",
  2: "portComponent",
  3: "mac",
  4: "networkAddress",
  5: "interfaceName",
  6: "agentCircuitId",
  7: "local",
} as const;
export type PortKind = (typeof portKinds)[keyof typeof portKinds];

/** An identifier and its kind. `text` is a MAC or hex bytes (network address) in their canonical spelling, else the text itself. */
export type LldpId<Kind> = { readonly kind: Kind; readonly text: string };

/** The content of an LLDP frame: the device and the port that sent it. */
export type Lldpdu = {
  readonly chassis: LldpId<ChassisKind>;
  readonly port: LldpId<PortKind>;
  /** 0 withdraws the previous announcement (IEEE 802.1AB-2016 §8.5.4). */
  readonly ttlSeconds: number;
  readonly portDescription?: string;
  readonly systemName?: string;
};

export type LldpReading =
  | { readonly kind: "lldpdu"; readonly lldpdu: Lldpdu; readonly sender: Mac }
  | { readonly kind: "unreadable"; readonly reason: string };

/** The text of an identifier's bytes, by kind of identifier. */
export function idText(kind: ChassisKind | PortKind, bytes: Uint8Array): string {
  if (kind === "mac" && bytes.length === 6) return macFromBytes(bytes);
  if (kind === "mac" || kind === "networkAddress") return hexFromBytes(bytes);
  return readText(bytes);
}

/** The bytes of an identifier's text: the inverse of `idText`. */
export function idBytes(kind: ChassisKind | PortKind, text: string): Uint8Array {
  if (kind === "mac" && text.includes(":")) return macToBytes(text as Mac);
  if (kind === "mac" || kind === "networkAddress") return bytesFromHex(text) ?? new Uint8Array();
  return encodeUtf8(text);
}

/**
 * UTF-8 as text; other bytes are read as Latin-1, because old switches send what their operator typed.
 * Trailing NULs are dropped: some agents include C's terminator. Other control characters are replaced.
 */
export function readText(bytes: Uint8Array): string {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  const kept = bytes.subarray(0, end);
  const text = decodeUtf8(kept);
  return plainText(text.includes("\ufffd") ? textFromBytes(kept) : text);
}
