import type { Ipv4 } from "../../net/ipv4.ts";
import { kindCodecs } from "./option-value.ts";
import type { DhcpPacket } from "./packet.ts";
import { readSubOptions } from "./sub-options.ts";

/** What a relay agent says in option 82 that changes our answer. Everything else in it is echoed, not read. */
export type RelayWishes = {
  /** RFC 3527: the link that the client is on, where giaddr only says how to reach the relay. */
  readonly linkSelection?: Ipv4;
  /** RFC 5107: the address to give as server identifier, so that all the client sends later passes the relay again. */
  readonly serverIdentifierOverride?: Ipv4;
  /** RFC 8357: answer to the port that the relay sent from, which is not 67. */
  readonly answerToSourcePort?: true;
};

const linkSelectionCode = 5;
const serverIdentifierOverrideCode = 11;
const sourcePortCode = 19;

/** More relays than this between a client and us are a loop (RFC 1542 §4.1.1). */
export const hopLimit = 16;

/** Reads a relay agent's wishes; a sub-option of the wrong length is no wish. */
export function relayWishes(packet: DhcpPacket): RelayWishes {
  const { relayAgentInformation } = packet.options;
  if (relayAgentInformation === undefined) return {};
  const found = readSubOptions(relayAgentInformation, "noEnd");
  const address = (code: number) => {
    const value = found.get(code);
    return value && kindCodecs.ipv4.read(value, 0, value.length);
  };
  const [linkSelection, serverIdentifierOverride] = [address(linkSelectionCode), address(serverIdentifierOverrideCode)];
  return {
    ...(linkSelection === undefined ? {} : { linkSelection }),
    ...(serverIdentifierOverride === undefined ? {} : { serverIdentifierOverride }),
    // It has no value: that it is there says it.
    ...(found.get(sourcePortCode)?.length === 0 ? { answerToSourcePort: true } : {}),
  };
}
