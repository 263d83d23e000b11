import { type Asking, type ClientMessage, classifyMessage } from "../dhcp/client-message.ts";
import { clientMac, type DhcpPacket } from "../dhcp/codec/packet.ts";
import { hopLimit, relayWishes } from "../dhcp/codec/relay-agent.ts";
import { type Destination, replyDestination } from "../dhcp/destination.ts";
import type { Holder } from "../dhcp/pool/address-pool.ts";
import { type ReplyContent, replyTo } from "../dhcp/reply.ts";
import type { MachineEvent } from "../machine/event.ts";
import type { PxeAnswer, PxeStage } from "../machine/pxe-answer.ts";
import type { Machine } from "../machine/record.ts";
import type { PxeAsked } from "../machine/requests.ts";
import { formatIpv4, type Ipv4, noAddress } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import {
  type Binding,
  isNetworkEdge,
  isServerAddress,
  type Network,
  networkContains,
  type ServerPorts,
} from "../network/network.ts";
import { type Answer, decideAnswer, endsLocally, intentFor, wordFor } from "./answer.ts";
import { chooseBinding } from "./binding.ts";
import { bootOptionsFor, leaseOptionsFor } from "./boot-options.ts";
import { type Client, classifyClient } from "./client.ts";
import { type LocalHistory, type LocalTry, noLocalHistory, tryLocal } from "./local-boot/choose.ts";

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

type AddressSeen = Extract<MachineEvent, { kind: "addressSeen" }>;

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

type Reply = Extract<DhcpDecision, { kind: "reply" }>;
/** Filled in field by field: every request pays for an object that is spread into another. */
type ReplyInMaking = { -readonly [Field in keyof Reply]: Reply[Field] };

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

/** Decides what a DHCP message is answered with, and where the answer goes. */
export function decideDhcp(question: DhcpQuestion): DhcpDecision {
  const { packet, network, machine, holderOf } = question;
  const message = classifyMessage(packet);
  const mac = clientMac(packet);
  if (message.kind === "notForServers") return silence(message.why);
  if (packet.hops > hopLimit) return silence("tooManyHops");
  if (isNetworkEdge(network, packet.giaddr)) return silence("badRelayAddress");
  if (mac === undefined) return silence("noEthernetAddress");
  if (message.kind === "release") return silence("released");
  if (message.kind === "decline") {
    const holder = holderOf(message.address);
    // Anybody can decline anything; only who was given the address is believed.
    const ours = holder?.kind === "machine" && holder.mac === mac;
    return ours ? { kind: "declined", address: message.address, mac } : silence("unknownClient");
  }
  const { serverIdentifierOverride } = relayWishes(packet);
  if (
    message.kind === "selecting" &&
    message.server !== serverIdentifierOverride &&
    !isServerAddress(network, message.server)
  )
    return silence("tookAnotherOffer");

  const client = classifyClient(packet, network.secureBoot);
  if (client.kind === "plain" && machine === undefined) return silence("unknownClient");
  if (machine === undefined && asksForUnknown(message, question, mac)) return silence("noRecord");
  const choice = chooseBinding({ ...question, mac, message });
  if (choice.kind === "poolExhausted") {
    const seen = seenBy(question, { client, mac, answer: "none" });
    return { kind: "silence", why: "poolExhausted", size: choice.size, ...(seen && { seen }) };
  }
  const { binding, temporary } = choice;
  const intent = intentFor(machine, network, mac);
  const { history = noLocalHistory } = question;
  const local = endsLocally(client, intent) ? tryLocal({ client, packet, history, proxy: false }) : undefined;
  const method = local?.attempt.method;
  const answer = decideAnswer({ client, mac, intent, binding, ports: question.ports, method });
  const server = serverIdentifierOverride ?? binding.server;
  const content = contentFor({ message, answer, client, binding, server, hostname: machine?.hostname });
  const reply = replyTo(packet, content);
  // A machine that is only noted keeps no address on its record: strangers must not empty the pool.
  const address = temporary && intent === "install" ? formatIpv4(binding.address) : undefined;
  const seen = seenBy(question, { client, mac, answer: wordFor(answer, method), address });
  const decision: ReplyInMaking = { kind: "reply", answer, reply, destination: replyDestination(packet, reply) };
  if (temporary) decision.reserve = binding.address;
  if (seen !== undefined) decision.seen = seen;
  if (local !== undefined) decision.local = local;
  if (content.type === "ack" && waitsForRouter(packet, client)) decision.noRouter = mac;
  return decision;
}

/** Whether a client that no record knows wants to keep an address of this network that was never promised to it. */
function asksForUnknown(message: Asking, { network, holderOf }: DhcpQuestion, mac: Mac): boolean {
  if (message.kind !== "initReboot" && message.kind !== "extending") return false;
  const holder = holderOf(message.address);
  return networkContains(network, message.address) && !(holder?.kind === "machine" && holder.mac === mac);
}

function contentFor(of: {
  readonly message: Asking;
  readonly answer: Answer;
  readonly client: Client;
  readonly binding: Binding;
  /** Our server identifier: our address, or that of the relay that wants to stay in between (RFC 5107). */
  readonly server: Ipv4;
  readonly hostname: string | undefined;
}): ReplyContent {
  const { message, answer, client, binding, server, hostname } = of;
  const { address, leaseSeconds } = binding;
  const { always, boot } = bootOptionsFor(answer, client, binding);
  const ifAsked = leaseOptionsFor(binding, hostname);
  switch (message.kind) {
    case "discover":
      return { type: "offer", server, address, leaseSeconds, always, ifAsked, boot };
    case "inform": {
      // RFC 2131 §4.3.5: parameters, nothing of a lease.
      const { renewalTimeValue: _t1, rebindingTimeValue: _t2, ...parameters } = ifAsked;
      return { type: "ack", server, address: noAddress, always, ifAsked: parameters, boot };
    }
    case "selecting":
    case "initReboot":
    case "extending":
      if (answer.kind === "local" && answer.method === "offerThenNak")
        return { type: "nak", server, message: "boot from the local disk" };
      if (message.address !== address)
        return { type: "nak", server, message: `your address is ${formatIpv4(address)}` };
      return { type: "ack", server, address, leaseSeconds, always, ifAsked, boot };
  }
}

/** iPXE on our own wire: what relays bring is on one that we cannot speak to. */
export function waitsForRouter(packet: DhcpPacket, client: Client): boolean {
  return client.kind === "ipxe" && packet.giaddr === noAddress;
}

function silence(why: Exclude<SilenceReason, "poolExhausted">): DhcpDecision {
  return { kind: "silence", why };
}

const stages: { readonly [Kind in Client["kind"]]: PxeStage | undefined } = {
  pxe: "firmware",
  httpBoot: "httpBoot",
  ipxe: "loader",
  plain: undefined,
};

/** What a request adds to the machine's record; undefined for plain DHCP. */
export function seenBy(
  question: Pick<DhcpQuestion, "network">,
  of: { readonly client: Client; readonly mac: Mac; readonly answer: PxeAnswer; readonly address?: string | undefined },
): PxeAsked | undefined {
  const { client, mac, answer, address } = of;
  const stage = stages[client.kind];
  if (stage === undefined || client.kind === "plain") return undefined;
  const { name: network, nursery } = question.network;
  const seen = { kind: "pxeAsked", mac, firmware: client.firmware, network, nursery, stage, answer } as const;
  return address === undefined ? seen : { ...seen, address };
}
