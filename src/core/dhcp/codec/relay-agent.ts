import { type Ipv4, noAddress } from "../../net/ipv4.ts";
import { kindCodecs } from "./option-value.ts";
import type { DhcpPacket } from "./packet.ts";
import { readSubOptions } from "./sub-options.ts";

/** The sub-options of option 82 that change the answer. All others are only echoed. */
export type RelayWishes = {
  /** RFC 3527: the link of the client, if giaddr only says how to reach the relay. */
  readonly linkSelection?: Ipv4;
  /** RFC 5107: the address to give as server identifier, so that later requests of the client pass the relay, too. */
  readonly serverIdentifierOverride?: Ipv4;
  /** RFC 8357: answer to the port that the relay sent from, which is not 67. */
  readonly answerToSourcePort?: true;
};

const linkSelectionCode = 5;
const serverIdentifierOverrideCode = 11;
const sourcePortCode = 19;

/** More relays than this between a client and the server are a loop (RFC 1542 §4.1.1). */
export const hopLimit = 16;

/**
 * Reads the requests of a relay agent; a sub-option of invalid length is ignored. So are all of them in a packet that no
 * relay forwarded: a client that sent them itself could make the server answer in another server's name.
 */
export function relayRequests(packet: DhcpPacket): RelayWishes {
  const { relayAgentInformation } = packet.options;
  if (relayAgentInformation === undefined || packet.giaddr === noAddress) return {};
  const found = readSubOptions(relayAgentInformation, "noEnd");
  const address = (code: number) => {
    const value = found.get(code);
    const given = value && kindCodecs.ipv4.read(value, 0, value.length);
    // 0.0.0.0 names no link and no server: some relays always send the sub-option.
    return given === noAddress ? undefined : given;
  };
  const [linkSelection, serverIdentifierOverride] = [address(linkSelectionCode), address(serverIdentifierOverrideCode)];
  return {
    ...(linkSelection === undefined ? {} : { linkSelection }),
    ...(serverIdentifierOverride === undefined ? {} : { serverIdentifierOverride }),
    // The sub-option has no value: its presence is the request.
    ...(found.get(sourcePortCode)?.length === 0 ? { answerToSourcePort: true } : {}),
  };
}
