import type { Holder } from "../dhcp/address-pool.ts";
import { type ClientMessage, classifyMessage } from "../dhcp/client-message.ts";
import { type Destination, replyDestination } from "../dhcp/destination.ts";
import { clientMac, type DhcpPacket } from "../dhcp/packet.ts";
import { type ReplyContent, replyTo } from "../dhcp/reply.ts";
import type { MachineEvent } from "../machine/event.ts";
import type { Machine } from "../machine/record.ts";
import { formatIpv4, type Ipv4, noAddress } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import { type Answer, decideAnswer, intentFor, wordFor } from "./answer.ts";
import { chooseBinding } from "./binding.ts";
import { bootOptionsFor, leaseOptionsFor } from "./boot-options.ts";
import { type Client, classifyClient } from "./client.ts";
import { type Binding, type Network, type ServerPorts, serverAddresses } from "./network.ts";

/** Why a message gets no answer. */
export type SilenceReason =
  | Extract<ClientMessage, { kind: "notForServers" }>["why"]
  /** Not an Ethernet address, or the GUID in its place (netboot.md Q8). */
  | "noEthernetAddress"
  /** It came through a relay: relayed networks are not served yet. */
  | "relayed"
  /** A system that only wants an address, and that no record knows. */
  | "unknownClient"
  | "tookAnotherOffer"
  | "released"
  | "poolExhausted";

type PxeAsked = Extract<MachineEvent, { kind: "pxeAsked" }>;

/** What becomes of a DHCP message: a value that can be printed, tested and then carried out. */
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
    }
  | { readonly kind: "silence"; readonly why: SilenceReason; readonly seen?: PxeAsked }
  /** The client found another host at an address we gave it. */
  | { readonly kind: "declined"; readonly address: Ipv4; readonly mac: Mac };

/** All that a decision hangs on. */
export type DhcpQuestion = {
  readonly packet: DhcpPacket;
  readonly network: Network;
  readonly ports: ServerPorts;
  readonly machine: Machine | undefined;
  /** Who has a temporary address, by record or by reservation. */
  readonly holderOf: (address: Ipv4) => Holder | undefined;
};

/** Decides what a DHCP message is answered with, and where the answer goes. */
export function decideDhcp(question: DhcpQuestion): DhcpDecision {
  const { packet, network, machine, holderOf } = question;
  const message = classifyMessage(packet);
  const mac = clientMac(packet);
  if (message.kind === "notForServers") return silence(message.why);
  if (packet.giaddr !== noAddress) return silence("relayed");
  if (mac === undefined) return silence("noEthernetAddress");
  if (message.kind === "release") return silence("released");
  if (message.kind === "decline") {
    const holder = holderOf(message.address);
    // Anybody can decline anything; only who was given the address is believed.
    const ours = holder?.kind === "machine" && holder.mac === mac;
    return ours ? { kind: "declined", address: message.address, mac } : silence("unknownClient");
  }
  if (message.kind === "selecting" && !serverAddresses(network).includes(message.server))
    return silence("tookAnotherOffer");

  const client = classifyClient(packet, network.secureBoot);
  if (client.kind === "plain" && machine === undefined) return silence("unknownClient");
  const choice = chooseBinding({ network, mac, machine, holderOf });
  if (choice.kind === "poolExhausted")
    return { kind: "silence", why: "poolExhausted", ...seenBy(question, { client, mac, answer: "none" }) };
  const { binding, temporary } = choice;
  const intent = intentFor(machine, network);
  const answer = decideAnswer({ client, mac, intent, binding, ports: question.ports });
  const content = contentFor({ message, answer, client, binding, hostname: machine?.hostname });
  const reply = replyTo(packet, content);
  // A machine that is only noted keeps no address on its record: strangers must not empty the pool.
  const address = temporary && intent === "install" ? { address: formatIpv4(binding.address) } : {};
  return {
    ...{ kind: "reply", answer, reply, destination: replyDestination(packet, reply) },
    ...(temporary ? { reserve: binding.address } : {}),
    ...seenBy(question, { client, mac, answer: wordFor(answer), ...address }),
  };
}

type Asking = Exclude<ClientMessage, { kind: "notForServers" | "release" | "decline" }>;

function contentFor(of: {
  readonly message: Asking;
  readonly answer: Answer;
  readonly client: Client;
  readonly binding: Binding;
  readonly hostname: string | undefined;
}): ReplyContent {
  const { message, answer, client, binding, hostname } = of;
  const { server, address, leaseSeconds } = binding;
  const common = { server, ...bootOptionsFor(answer, client, binding), ifAsked: leaseOptionsFor(binding, hostname) };
  switch (message.kind) {
    case "discover":
      return { ...common, type: "offer", address, leaseSeconds };
    case "inform":
      return { ...common, type: "ack", address: noAddress };
    case "selecting":
    case "initReboot":
    case "extending":
      if (answer.kind === "local" && answer.method === "offerThenNak")
        return { type: "nak", server, message: "boot from the local disk" };
      if (message.address !== address)
        return { type: "nak", server, message: `your address is ${formatIpv4(address)}` };
      return { ...common, type: "ack", address, leaseSeconds };
  }
}

function silence(why: SilenceReason): DhcpDecision {
  return { kind: "silence", why };
}

const stages: { readonly [Kind in Client["kind"]]: string | undefined } = {
  pxe: "firmware",
  httpBoot: "httpBoot",
  ipxe: "loader",
  plain: undefined,
};

function seenBy(
  question: DhcpQuestion,
  of: { readonly client: Client; readonly mac: Mac; readonly answer: string; readonly address?: string },
): { readonly seen?: PxeAsked } {
  const { client, mac, answer, ...address } = of;
  const stage = stages[client.kind];
  if (stage === undefined || client.kind === "plain") return {};
  const { name: network, nursery } = question.network;
  return { seen: { kind: "pxeAsked", mac, firmware: client.firmware, network, nursery, stage, answer, ...address } };
}
