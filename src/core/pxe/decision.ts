import type { ClientMessage } from "../dhcp/client-message.ts";
import type { DhcpPacket, NoClientMac } from "../dhcp/codec/packet.ts";
import type { Destination } from "../dhcp/destination.ts";
import type { Holder, RecordedIn } from "../dhcp/pool/address-pool.ts";
import type { MachineArchitecture } from "../machine/architecture.ts";
import type { MachineEvent } from "../machine/event.ts";
import type { Machine } from "../machine/record.ts";
import type { PxeAsked } from "../machine/requests.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import type { Network, ServerPorts } from "../network/network.ts";
import type { UnreadableRecord } from "../ports.ts";
import type { Answer } from "./answer.ts";
import type { LocalHistory, LocalTry } from "./local-boot/choose.ts";

/** Why a message gets no answer. */
export type SilenceReason =
  | Extract<ClientMessage, { kind: "notForServers" }>["why"]
  | NoClientMac
  /** It passed more relays than allowed. */
  | "tooManyHops"
  /** The relay's address is the network's broadcast address, or its first address, which old hosts use as broadcast. */
  | "badRelayAddress"
  /** A client without a record that requests only an address. */
  | "unknownClient"
  /** It wants to keep an address that this server does not know; another server may (RFC 2131 §4.3.2). */
  | "noRecord"
  /** It declines an address that it does not hold; or that it was not given a moment ago, and where nobody answers. */
  | "declinedWithoutOffer"
  /** It names an address outside of the network, to which the answer would go. */
  | "foreignAddress"
  | "tookAnotherOffer"
  | "released"
  | "poolExhausted";

/** The observed lease of another server to a machine. */
export type AddressSeen = Extract<MachineEvent, { kind: "addressSeen" }>;

/**
 * The decision about a DHCP message, as a value that can be printed, tested and then executed. `noRouter` is the client that
 * needs a notice that its network has no IPv6 router: iPXE, which has its address now and would wait 16 s (netboot.md §1.5).
 */
export type DhcpDecision =
  | {
      readonly kind: "reply";
      readonly answer: Answer;
      readonly reply: DhcpPacket;
      readonly destination: Destination;
      /** Temporary address to reserve until the record holds it. */
      readonly reserve?: Ipv4;
      /** The event for the machine's record; absent for plain DHCP. */
      readonly seen?: PxeAsked;
      /** How the client is sent to its disk, to be remembered; absent for an installation. */
      readonly local?: LocalTry;
      readonly noRouter?: Mac;
    }
  | {
      readonly kind: "silence";
      readonly why: Exclude<SilenceReason, "poolExhausted">;
      readonly seen?: PxeAsked;
      /** The observed lease, for its record. */
      readonly noted?: AddressSeen;
      /** The attempt to send it to its disk, which the client did not take. */
      readonly local?: LocalTry;
      readonly noRouter?: Mac;
    }
  /** The network is in mode `listen`; `would` describes the withheld answer. */
  | { readonly kind: "silence"; readonly why: "withheld"; readonly would: string; readonly seen?: PxeAsked }
  /** All `size` addresses of the pool are held. */
  | { readonly kind: "silence"; readonly why: "poolExhausted"; readonly size: number; readonly seen?: PxeAsked }
  /** The client found another host at its address. */
  /** `given` a moment ago; otherwise only an answer of another host at the address proves it. */
  | { readonly kind: "declined"; readonly address: Ipv4; readonly mac: Mac; readonly given: boolean };

export type Reply = Extract<DhcpDecision, { kind: "reply" }>;
/** Mutable, and filled field by field: spreading objects would cost every request. */
export type ReplyInMaking = { -readonly [Field in keyof Reply]: Reply[Field] };

/** The inputs of a decision. */
export type DhcpQuestion = {
  readonly packet: DhcpPacket;
  readonly network: Network;
  readonly ports: ServerPorts;
  readonly machine: Machine | undefined;
  /** The architectures that the server has a Bootstrap Image for; the default only if it is absent. */
  readonly images?: ReadonlySet<MachineArchitecture>;
  /** The record of the client's machine cannot be read: it keeps its address, is sent to its disk, and nothing is recorded. */
  readonly unreadable?: UnreadableRecord;
  /** The holder of a temporary address, by record or by reservation. */
  readonly holderOf: (address: Ipv4) => Holder | undefined;
  /** Counts recorded addresses, so that a full pool is not searched address by address. */
  readonly recordedIn?: RecordedIn;
  /** Whether the client was given this address a moment ago; nothing was if absent. */
  readonly givenTo?: (address: Ipv4) => boolean;
  /** The pool was exhausted a moment ago: it is not searched again for each of thousands of requests. */
  readonly poolFull?: boolean;
  /** How the client was sent to its disk before. */
  readonly history?: LocalHistory;
};

export type Silence = Extract<DhcpDecision, { kind: "silence" }>;

/** A message without an answer, for any reason except an exhausted pool. */
export function silence(why: Exclude<SilenceReason, "poolExhausted">): Silence {
  return { kind: "silence", why };
}
