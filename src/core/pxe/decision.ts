import type { ClientMessage } from "../dhcp/client-message.ts";
import type { DhcpPacket } from "../dhcp/codec/packet.ts";
import type { Destination } from "../dhcp/destination.ts";
import type { Holder } from "../dhcp/pool/address-pool.ts";
import type { MachineEvent } from "../machine/event.ts";
import type { Machine } from "../machine/record.ts";
import type { PxeAsked } from "../machine/requests.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import type { Network, ServerPorts } from "../network/network.ts";
import type { Answer } from "./answer.ts";
import type { LocalHistory, LocalTry } from "./local-boot/choose.ts";

/** Why a message gets no answer. */
export type SilenceReason =
  | Extract<ClientMessage, { kind: "notForServers" }>["why"]
  /** Not an Ethernet address, or the GUID in its place (netboot.md Q8). */
  | "noEthernetAddress"
  /** It went through more relays than there can be. */
  | "tooManyHops"
  /** Its relay's address is the network's broadcast address, or its first one, which old hosts take for that. */
  | "badRelayAddress"
  /** A system that only wants an address, and that no record knows. */
  | "unknownClient"
  /** It asks to keep an address that we know nothing of: another server may (RFC 2131 §4.3.2). */
  | "noRecord"
  | "tookAnotherOffer"
  | "released"
  | "poolExhausted";

/** What was overheard of a machine that another server leases an address to. */
export type AddressSeen = Extract<MachineEvent, { kind: "addressSeen" }>;

/**
 * What becomes of a DHCP message: a value that can be printed, tested and then carried out. `noRouter` is whom to tell that its
 * wire has no IPv6 router: iPXE, which has its address now and would wait 16 s for one (netboot.md §1.5).
 */
export type DhcpDecision =
  | {
      readonly kind: "reply";
      readonly answer: Answer;
      readonly reply: DhcpPacket;
      readonly destination: Destination;
      /** Temporary address to keep for the client until the record has it. */
      readonly reserve?: Ipv4;
      /** For the machine's record; absent for plain DHCP. */
      readonly seen?: PxeAsked;
      /** How it is sent to its disk, to be remembered; absent where it is to be installed. */
      readonly local?: LocalTry;
      readonly noRouter?: Mac;
    }
  | {
      readonly kind: "silence";
      readonly why: Exclude<SilenceReason, "poolExhausted">;
      readonly seen?: PxeAsked;
      /** What was overheard of it, for its record. */
      readonly noted?: AddressSeen;
      readonly noRouter?: Mac;
    }
  /** The network is only listened to; `would` tells what the answer would have been. */
  | { readonly kind: "silence"; readonly why: "withheld"; readonly would: string; readonly seen?: PxeAsked }
  /** All `size` addresses of the pool are held. */
  | { readonly kind: "silence"; readonly why: "poolExhausted"; readonly size: number; readonly seen?: PxeAsked }
  /** The client found another host at an address we gave it. */
  | { readonly kind: "declined"; readonly address: Ipv4; readonly mac: Mac };

export type Reply = Extract<DhcpDecision, { kind: "reply" }>;
/** Filled in field by field: every request pays for an object that is spread into another. */
export type ReplyInMaking = { -readonly [Field in keyof Reply]: Reply[Field] };

/** All that a decision hangs on. */
export type DhcpQuestion = {
  readonly packet: DhcpPacket;
  readonly network: Network;
  readonly ports: ServerPorts;
  readonly machine: Machine | undefined;
  /** Who has a temporary address, by record or by reservation. */
  readonly holderOf: (address: Ipv4) => Holder | undefined;
  /** The pool was found exhausted a moment ago: not searched again for each of the thousands that ask. */
  readonly poolFull?: boolean;
  /** How it left for its disk before. */
  readonly history?: LocalHistory;
};

/** A message that gets no answer; all but an exhausted pool says no more than why. */
export function silence(why: Exclude<SilenceReason, "poolExhausted">): Extract<DhcpDecision, { kind: "silence" }> {
  return { kind: "silence", why };
}
