import { classifyMessage } from "../dhcp/client-message.ts";
import { readClientMac } from "../dhcp/codec/packet.ts";
import type { ReplyContent } from "../dhcp/reply.ts";
import type { Machine } from "../machine/record.ts";
import { type Ipv4, noAddress } from "../net/ipv4.ts";
import { signatureFor, temporaryBinding } from "../network/network.ts";
import type { BindingChoice } from "./binding.ts";
import { classifyClient } from "./client.ts";
import { type AddressSeen, type DhcpQuestion, silence } from "./decision.ts";
import { type Answered, type Part, waitsForRouter } from "./part.ts";
import { proxyOptionsFor } from "./proxy-options.ts";

/**
 * Another DHCP server leases the addresses: this one answers DISCOVERs of PXE clients with the boot file and no address.
 * All other messages on port 67 belong to that server; a client's REQUEST to it reveals the client's address.
 */
export const proxying: Part<"offer"> = {
  ...{ leases: false, bind, contentFor, destination: () => ({ kind: "broadcast", port: 68 }) },
  admit: (question) => {
    const { packet, machine, network } = question;
    const message = classifyMessage(packet);
    const from = readClientMac(packet);
    if (message.kind === "notForServers") return silence(message.why);
    if (from.kind === "none") return silence(from.why);
    const { mac } = from;
    const client = classifyClient(packet, signatureFor(network));
    if (client.kind === "plain") return silence("unknownClient");
    if (message.kind === "discover") return { kind: "asks", message: "offer", client, mac };
    if (message.kind === "release") return silence("released");
    if (message.kind !== "selecting") return silence("tookAnotherOffer");
    const noRouter = waitsForRouter(packet, client) ? { noRouter: mac } : {};
    return { kind: "silence", why: "tookAnotherOffer", ...addressSeen(machine, message.address), ...noRouter };
  },
};

/**
 * Port 4011, where PXE clients with an address request their boot file (PXE 2.1 §2.2.3) by REQUEST or INFORM. The answer goes
 * to the source port, because EDK2 sends from port 4011 and others from 68.
 */
export function bootServing(caller: { readonly address: Ipv4; readonly port: number }): Part<"ack"> {
  return {
    leases: false,
    admit: admitToPort4011,
    bind,
    contentFor,
    destination: () => ({ kind: "client", ...caller }),
  };
}

function admitToPort4011({ packet, network }: DhcpQuestion): ReturnType<Part<"ack">["admit"]> {
  const from = readClientMac(packet);
  const { dhcpMessageType } = packet.options;
  if (packet.op !== 1) return silence("aReply");
  if (from.kind === "none") return silence(from.why);
  const { mac } = from;
  if (dhcpMessageType !== "request" && dhcpMessageType !== "inform") return silence("incompleteRequest");
  const client = classifyClient(packet, signatureFor(network));
  return client.kind === "plain" ? silence("unknownClient") : { kind: "asks", message: "ack", client, mac };
}

/** A binding with only the server's side: the other server manages the address. */
function bind({ network, packet }: DhcpQuestion): BindingChoice {
  return { kind: "bound", binding: temporaryBinding(network, packet.ciaddr), temporary: false };
}

function contentFor(_question: DhcpQuestion, answered: Answered<"offer" | "ack">): ReplyContent {
  const { message: type, answer, client, binding } = answered;
  return {
    type,
    server: binding.server,
    address: noAddress,
    ifRequested: {},
    ...proxyOptionsFor(answer, client, binding),
  };
}

/** The address that a known machine takes from the other server. */
function addressSeen(machine: Machine | undefined, address: Ipv4): { readonly noted?: AddressSeen } {
  if (machine === undefined || machine.temporaryAddress === address || machine.permanentAddress === address) return {};
  return { noted: { kind: "addressSeen", id: machine.id, address } };
}
