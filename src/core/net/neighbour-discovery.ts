import { uint8At, uint16At } from "../bytes/big-endian.ts";
import { builtBytes, createBuilder, putBytes, putUnsigned } from "../bytes/builder.ts";
import { internetChecksum } from "./checksum.ts";
import { type Ipv6, ipv6Bytes, ipv6FromBytes, isSameIpv6 } from "./ipv6.ts";
import { type Mac, macFromBytes, macToBytes } from "./mac.ts";

/** The Ethernet type of IPv6. */
export const ipv6EtherType = 0x86dd;

const ethernetBytes = 14;
const ipv6HeaderBytes = 40;
const icmpv6Protocol = 58;
const neighbourSolicitation = 135;
const neighbourAdvertisement = 136;
/** Receivers drop what a router could have forwarded (RFC 4861 §7.1). */
const hopLimit = 255;
const noAddress: Ipv6 = [0, 0, 0, 0, 0, 0, 0, 0];

/** What a neighbour says of an address: that it has it, or (`isProbe`) that it wants to know who does before it takes it. */
export type NeighbourMessage = {
  readonly senderMac: Mac;
  readonly target: Ipv6;
  readonly isProbe: boolean;
  readonly isClaim: boolean;
};

/**
 * The whole Ethernet frame that asks who has an IPv6 address, without an address of our own: the Neighbour Solicitation of
 * Duplicate Address Detection (RFC 4862 §5.4.2), to the solicited-node group.
 */
export function writeNeighbourProbe(sender: Mac, target: Ipv6): Uint8Array {
  const [high = 0, low = 0] = target.slice(6);
  const group = [0xff02, 0, 0, 0, 0, 1, 0xff00 | (high & 255), low];
  const message = createBuilder(24);
  putUnsigned(message, neighbourSolicitation, 1);
  putBytes(message, new Uint8Array(7)); // code, checksum, reserved
  putBytes(message, ipv6Bytes(target));
  const icmp = builtBytes(message);
  const pseudo = [0, 0, 0, icmp.length, 0, 0, 0, icmpv6Protocol];
  const checksum = internetChecksum(
    Uint8Array.from([...ipv6Bytes(noAddress), ...ipv6Bytes(group), ...pseudo, ...icmp]),
  );
  icmp[2] = checksum >>> 8;
  icmp[3] = checksum & 255;

  const frame = createBuilder(ethernetBytes + ipv6HeaderBytes + icmp.length);
  // RFC 2464 §7: the last four bytes of the group.
  putBytes(frame, Uint8Array.of(0x33, 0x33, ...ipv6Bytes(group).subarray(12)));
  putBytes(frame, macToBytes(sender));
  putUnsigned(frame, ipv6EtherType, 2);
  putUnsigned(frame, 0x60000000, 4);
  putUnsigned(frame, icmp.length, 2);
  putUnsigned(frame, icmpv6Protocol, 1);
  putUnsigned(frame, hopLimit, 1);
  putBytes(frame, ipv6Bytes(noAddress));
  putBytes(frame, ipv6Bytes(group));
  putBytes(frame, icmp);
  return builtBytes(frame);
}

/** Reads an Ethernet frame; undefined if it is neither a Neighbour Solicitation nor an Advertisement. Never throws. */
export function readNeighbourMessage(frame: Uint8Array): NeighbourMessage | undefined {
  const icmpAt = ethernetBytes + ipv6HeaderBytes;
  if (frame.length < icmpAt + 24 || uint16At(frame, 12) !== ipv6EtherType) return undefined;
  if (uint8At(frame, ethernetBytes + 6) !== icmpv6Protocol || uint8At(frame, ethernetBytes + 7) !== hopLimit)
    return undefined;
  const type = uint8At(frame, icmpAt);
  if (type !== neighbourSolicitation && type !== neighbourAdvertisement) return undefined;
  const source = ipv6FromBytes(frame.subarray(ethernetBytes + 8, ethernetBytes + 24));
  return {
    senderMac: macFromBytes(frame.subarray(6)),
    target: ipv6FromBytes(frame.subarray(icmpAt + 8, icmpAt + 24)),
    isProbe: type === neighbourSolicitation && isSameIpv6(source, noAddress),
    isClaim: type === neighbourAdvertisement,
  };
}

/** The host that has or wants an address that `mac` probes for (RFC 4862 §5.4.3, §5.4.4); undefined if the message says neither. */
export function ipv6ConflictIn(
  { senderMac, target, isProbe, isClaim }: NeighbourMessage,
  { mac, address }: { readonly mac: Mac; readonly address: Ipv6 },
): Mac | undefined {
  return senderMac !== mac && isSameIpv6(target, address) && (isProbe || isClaim) ? senderMac : undefined;
}
