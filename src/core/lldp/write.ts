import type { Mac } from "../net/mac.ts";
import { macToBytes } from "../net/mac.ts";
import {
  type ChassisKind,
  chassisKinds,
  idBytes,
  type Lldpdu,
  lldpEtherType,
  lldpGroup,
  type PortKind,
  portKinds,
  tlvTypes,
  writeText,
} from "./lldpdu.ts";

/** The longest text of an id TLV: 255 bytes after the subtype (IEEE 802.1AB-2016 §8.5.2.3); of other TLVs 255 too. */
const longestText = 255;

/** The whole Ethernet frame that announces `lldpdu` from `sender`, padded to Ethernet's 60 bytes. Longer texts are cut. */
export function writeLldp(lldpdu: Lldpdu, sender: Mac): Uint8Array {
  const parts: Uint8Array[] = [
    macToBytes(lldpGroup),
    macToBytes(sender),
    Uint8Array.of(lldpEtherType >> 8, lldpEtherType & 255),
    tlv(tlvTypes.chassisId, id(chassisKinds, lldpdu.chassis)),
    tlv(tlvTypes.portId, id(portKinds, lldpdu.port)),
    tlv(tlvTypes.timeToLive, Uint8Array.of((lldpdu.ttlSeconds >> 8) & 255, lldpdu.ttlSeconds & 255)),
  ];
  if (lldpdu.portDescription !== undefined) parts.push(tlv(tlvTypes.portDescription, cut(lldpdu.portDescription)));
  if (lldpdu.systemName !== undefined) parts.push(tlv(tlvTypes.systemName, cut(lldpdu.systemName)));
  parts.push(Uint8Array.of(0, 0));

  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const frame = new Uint8Array(Math.max(60, length));
  let at = 0;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

function tlv(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + value.length);
  bytes[0] = (type << 1) | (value.length >> 8);
  bytes[1] = value.length & 255;
  bytes.set(value, 2);
  return bytes;
}

function id(
  kinds: { readonly [subtype: number]: string },
  of: { kind: ChassisKind | PortKind; text: string },
): Uint8Array {
  const subtype = Object.keys(kinds).find((each) => kinds[Number(each)] === of.kind);
  return Uint8Array.of(Number(subtype), ...idBytes(of.kind, of.text).subarray(0, longestText));
}

function cut(text: string): Uint8Array {
  return writeText(text).subarray(0, longestText);
}
