import { type Builder, builtBytes, createBuilder, padTo, putBytes, putUnsigned } from "../bytes/builder.ts";
import { encodeUtf8 } from "../bytes/utf8.ts";
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
} from "./lldpdu.ts";

/** The longest text of an id TLV: 255 bytes after the subtype (IEEE 802.1AB-2016 §8.5.2.3); 255 for other TLVs, too. */
const longestText = 255;

/** The whole Ethernet frame that announces `lldpdu` from `sender`, padded to Ethernet's 60 bytes. Longer texts are truncated. */
export function writeLldp(lldpdu: Lldpdu, sender: Mac): Uint8Array {
  const frame = createBuilder();
  putBytes(frame, macToBytes(lldpGroup));
  putBytes(frame, macToBytes(sender));
  putUnsigned(frame, lldpEtherType, 2);
  putTlv(frame, tlvTypes.chassisId, id(chassisKinds, lldpdu.chassis));
  putTlv(frame, tlvTypes.portId, id(portKinds, lldpdu.port));
  putTlv(frame, tlvTypes.timeToLive, Uint8Array.of((lldpdu.ttlSeconds >> 8) & 255, lldpdu.ttlSeconds & 255));
  if (lldpdu.portDescription !== undefined) putTlv(frame, tlvTypes.portDescription, cut(lldpdu.portDescription));
  if (lldpdu.systemName !== undefined) putTlv(frame, tlvTypes.systemName, cut(lldpdu.systemName));
  putTlv(frame, tlvTypes.end, new Uint8Array());
  padTo(frame, 60);
  return builtBytes(frame);
}

/** Seven bits of type, nine of length, then the value (IEEE 802.1AB-2016 §8.4). */
function putTlv(frame: Builder, type: number, value: Uint8Array): void {
  putUnsigned(frame, (type << 9) | value.length, 2);
  putBytes(frame, value);
}

function id(
  kinds: { readonly [subtype: number]: string },
  of: { kind: ChassisKind | PortKind; text: string },
): Uint8Array {
  const subtype = Object.keys(kinds).find((each) => kinds[Number(each)] === of.kind);
  return Uint8Array.of(Number(subtype), ...idBytes(of.kind, of.text).subarray(0, longestText));
}

function cut(text: string): Uint8Array {
  return encodeUtf8(text).subarray(0, longestText);
}
