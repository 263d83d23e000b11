import { hexFromBytes } from "../bytes/text.ts";
import { formatIpv4, noAddress } from "../net/ipv4.ts";
import { macFromBytes } from "../net/mac.ts";
import type { RelayPort } from "../site/placement.ts";
import type { DhcpPacket } from "./codec/packet.ts";
import { readSubOptions } from "./codec/sub-options.ts";

const circuitIdCode = 1;
const remoteIdCode = 2;
/** The longest text that is kept of one of them. */
const textLimit = 128;

/**
 * What option 82 says of the port that a request came from (RFC 3046 §3.1, §3.2); undefined if there is no circuit id, without
 * which nothing names a port. Without giaddr, anyone on the wire could have sent it: then `giaddr` is absent.
 */
export function relayPortOf({ options, giaddr }: Pick<DhcpPacket, "options" | "giaddr">): RelayPort | undefined {
  const { relayAgentInformation } = options;
  if (relayAgentInformation === undefined) return undefined;
  const found = readSubOptions(relayAgentInformation, "noEnd");
  const circuitId = found.get(circuitIdCode);
  const remoteId = found.get(remoteIdCode);
  if (circuitId === undefined || circuitId.length === 0) return undefined;
  return {
    ...(giaddr === noAddress ? {} : { giaddr: formatIpv4(giaddr) }),
    circuitId: circuitText(circuitId),
    ...(remoteId === undefined || remoteId.length === 0 ? {} : { remoteId: remoteText(remoteId) }),
  };
}

/** Whether two reports name the same port. */
export function isSameRelayPort(one: RelayPort | undefined, other: RelayPort | undefined): boolean {
  return one?.giaddr === other?.giaddr && one?.circuitId === other?.circuitId && one?.remoteId === other?.remoteId;
}

/** Cisco's default format: type 0, length 4, VLAN, module, port; as `MODULE/PORT`. */
function circuitText(bytes: Uint8Array): string {
  return bytes.length === 6 && bytes[0] === 0 && bytes[1] === 4 ? `${bytes[4]}/${bytes[5]}` : plainText(bytes);
}

/** Cisco's default format: type 0, length 6, the MAC address of the switch; also the bare address. */
function remoteText(bytes: Uint8Array): string {
  if (bytes.length === 8 && bytes[0] === 0 && bytes[1] === 6) return macFromBytes(bytes.subarray(2));
  const text = plainText(bytes);
  return bytes.length === 6 && text.startsWith("0x") ? macFromBytes(bytes) : text;
}

/** Printable text as it is, anything else in hex with 0x. */
function plainText(bytes: Uint8Array): string {
  const kept = bytes.subarray(0, textLimit);
  if (kept.every((byte) => byte >= 0x20 && byte < 0x7f)) return String.fromCharCode(...kept);
  return `0x${hexFromBytes(kept.subarray(0, textLimit / 2 - 1))}`;
}
