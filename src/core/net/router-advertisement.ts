import { builtBytes, createBuilder, putBytes, putUnsigned } from "../bytes/builder.ts";
import { internetChecksum } from "./checksum.ts";
import { type Mac, macToBytes } from "./mac.ts";

const icmpv6Protocol = 58;
const routerAdvertisement = 134;
/** Receivers drop packets that a router could have forwarded (RFC 4861 §6.1.2). */
const hopLimit = 255;

/**
 * Makes the IPv6 packet that tells one host on our wire that there is nothing to configure: a router advertisement (RFC
 * 4861 §4.2) with lifetime 0 ("not a default router"), without a prefix and without the flags for DHCPv6, between the
 * link-local addresses of both.
 */
export function noRouterAdvertisement(from: Mac, to: Mac): Uint8Array {
  const [source, destination] = [linkLocalAddress(from), linkLocalAddress(to)];
  // Type, code, checksum; then hop limit, flags, lifetime, reachable time and retransmission time, all unspecified.
  const message = new Uint8Array(16);
  message[0] = routerAdvertisement;
  const pseudo = [0, 0, 0, message.length, 0, 0, 0, icmpv6Protocol];
  const checksum = internetChecksum(Uint8Array.from([...source, ...destination, ...pseudo, ...message]));
  message[2] = checksum >>> 8;
  message[3] = checksum & 255;

  const packet = createBuilder(40 + message.length);
  putUnsigned(packet, 0x60000000, 4);
  putUnsigned(packet, message.length, 2);
  putUnsigned(packet, icmpv6Protocol, 1);
  putUnsigned(packet, hopLimit, 1);
  putBytes(packet, source);
  putBytes(packet, destination);
  putBytes(packet, message);
  return builtBytes(packet);
}

/** fe80:: and the MAC address as a modified EUI-64 (RFC 4291 §2.5.1, appendix A). */
function linkLocalAddress(mac: Mac): Uint8Array {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = macToBytes(mac);
  return Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f);
}
