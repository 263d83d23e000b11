import { macFromBytes } from "../net/mac.ts";
import {
  type ChassisKind,
  chassisKinds,
  idText,
  type LldpId,
  type LldpReading,
  lldpEtherType,
  type PortKind,
  portKinds,
  readText,
  tlvTypes,
} from "./lldpdu.ts";

/** One type-length-value of an LLDPDU. */
type Tlv = { readonly type: number; readonly value: Uint8Array };

const vlanTag = 0x8100;

/**
 * Reads an Ethernet frame with an LLDPDU; never throws. A VLAN tag (some switches tag LLDP with their native VLAN) is skipped.
 * Unknown TLVs are skipped; a truncated TLV makes the frame unreadable.
 */
export function readLldp(frame: Uint8Array): LldpReading {
  if (frame.length < 14) return unreadable(`expected an Ethernet frame of at least 14 bytes, found ${frame.length}`);
  const typeAt = word(frame, 12) === vlanTag ? 16 : 12;
  if (frame.length < typeAt + 2) return unreadable("the frame ends in its VLAN tag");
  const etherType = word(frame, typeAt);
  if (etherType !== lldpEtherType)
    return unreadable(`expected the Ethernet type of LLDP, found 0x${etherType.toString(16)}`);

  const tlvs = readTlvs(frame.subarray(typeAt + 2));
  if (typeof tlvs === "string") return unreadable(tlvs);
  const chassis = readId(tlvs[0], tlvTypes.chassisId, chassisKinds) as LldpId<ChassisKind> | undefined;
  if (chassis === undefined) return unreadable("the first TLV is not a chassis id");
  const port = readId(tlvs[1], tlvTypes.portId, portKinds) as LldpId<PortKind> | undefined;
  if (port === undefined) return unreadable("the second TLV is not a port id");
  const timeToLive = tlvs[2];
  if (timeToLive?.type !== tlvTypes.timeToLive || timeToLive.value.length < 2) {
    return unreadable("the third TLV is not a time to live");
  }
  const portDescription = firstText(tlvs, tlvTypes.portDescription);
  const systemName = firstText(tlvs, tlvTypes.systemName);
  return {
    kind: "lldpdu",
    sender: macFromBytes(frame.subarray(6, 12)),
    lldpdu: {
      chassis,
      port,
      ttlSeconds: word(timeToLive.value, 0),
      ...(portDescription === undefined ? {} : { portDescription }),
      ...(systemName === undefined ? {} : { systemName }),
    },
  };
}

/** All TLVs up to the End TLV, or why they cannot be read. The end of the frame may replace the End TLV. */
function readTlvs(bytes: Uint8Array): readonly Tlv[] | string {
  const tlvs: Tlv[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const head = word(bytes, at);
    const type = head >> 9;
    const length = head & 0x1ff;
    if (type === tlvTypes.end) return tlvs;
    if (at + 2 + length > bytes.length) return `a TLV of type ${type} is truncated`;
    tlvs.push({ type, value: bytes.subarray(at + 2, at + 2 + length) });
    at += 2 + length;
  }
  return tlvs;
}

function readId(tlv: Tlv | undefined, type: number, kinds: { readonly [subtype: number]: ChassisKind | PortKind }) {
  if (tlv?.type !== type || tlv.value.length < 2) return undefined;
  const kind = kinds[tlv.value[0] ?? 0];
  return kind === undefined ? undefined : { kind, text: idText(kind, tlv.value.subarray(1)) };
}

function firstText(tlvs: readonly Tlv[], type: number): string | undefined {
  const tlv = tlvs.find((each) => each.type === type);
  return tlv === undefined ? undefined : readText(tlv.value);
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}

function unreadable(reason: string): LldpReading {
  return { kind: "unreadable", reason };
}
