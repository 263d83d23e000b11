import { formatCount } from "../bytes/counted.ts";
import type { UnhandledType } from "../dhcp/codec/message-type.ts";
import type { MalformedDhcp } from "../dhcp/codec/packet.ts";
import type { Answer } from "./answer.ts";
import type { SilenceReason } from "./decision.ts";

/** What the Boot Server counts for each network, beside the decisions of this folder: it does not get that far. */
type CountedByServer = "foreignNetwork" | "taggedVlan" | "tooManyNewMachines" | "withheld";

/** Why messages got no answer or were malformed, and what the others got, as operators read it behind a number. */
const texts: {
  readonly [Kind in
    | Exclude<SilenceReason, UnhandledType>
    | "unknownMessageType"
    | CountedByServer
    | MalformedDhcp["fault"]
    | Answer["kind"]]: string;
} = {
  loader: "with a boot loader by TFTP",
  httpLoader: "with a boot loader by HTTP",
  script: "with a boot script",
  local: "to boot from disk",
  lease: "with an address only",
  withheld: "withheld by the mode",
  foreignNetwork: "from no configured network",
  taggedVlan: "with a VLAN tag",
  tooManyNewMachines: "of new machines beyond the limit",
  aReply: "replies of a server",
  bootp: "BOOTP without DHCP",
  serverMessage: "messages that only servers send",
  incompleteRequest: "requests without the address that they are about",
  unknownMessageType: "of an unknown type",
  infiniBand: "over InfiniBand",
  impossibleMac: "with a MAC address that no NIC has",
  noEthernetAddress: "without an Ethernet address",
  tooManyHops: "through too many relays",
  badRelayAddress: "with an impossible relay address",
  unknownClient: "of unknown clients that ask for no boot file",
  noRecord: "about an address of another server",
  declinedWithoutOffer: "declines of addresses that were not given",
  foreignAddress: "about an address outside of the network",
  tookAnotherOffer: "for the offer of another server",
  released: "releases",
  poolExhausted: "without a free address in the pool",
  tooShort: "too short",
  badOperation: "with an unknown operation",
  badHardwareLength: "with an impossible length of the hardware address",
  noMagicCookie: "without DHCP's magic cookie",
  truncatedOption: "with options that are cut off",
};

const known = new Map<string, string>(Object.entries(texts));

/**
 * Counts by kind in words, the largest first: `12 releases, 3 over InfiniBand`; `none` without any. A kind of a newer server,
 * and DHCP's own message types, keep their names.
 */
export function reasonCounts(counts: { readonly [kind: string]: number }, none: string): string {
  const sorted = Object.entries(counts).sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1));
  return sorted.map(([kind, count]) => `${formatCount(count)} ${known.get(kind) ?? kind}`).join(", ") || none;
}
