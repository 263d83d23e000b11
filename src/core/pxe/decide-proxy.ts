import { classifyMessage } from "../dhcp/client-message.ts";
import { clientMac, type DhcpPacket } from "../dhcp/codec/packet.ts";
import type { Destination } from "../dhcp/destination.ts";
import { replyTo } from "../dhcp/reply.ts";
import type { MachineEvent } from "../machine/event.ts";
import type { Machine } from "../machine/record.ts";
import { formatIpv4, type Ipv4, noAddress } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import { temporaryBinding } from "../network/network.ts";
import { type Answer, decideAnswer, endsLocally, intentFor, wordFor } from "./answer.ts";
import { type Client, classifyClient } from "./client.ts";
import { type DhcpDecision, type DhcpQuestion, seenBy, waitsForRouter } from "./decide.ts";
import { type LocalTry, noLocalHistory, tryLocal } from "./local-boot/choose.ts";
import { proxyOptionsFor } from "./proxy-options.ts";

/** What a ProxyDHCP decision hangs on; of the pool nothing does. */
export type ProxyQuestion = Omit<DhcpQuestion, "holderOf" | "poolFull">;

/**
 * Decides for a network whose addresses another DHCP server leases: PXE clients' DISCOVERs are answered beside that
 * server, with the boot file and no address. Everything else on port 67 is that server's; of a client's REQUEST to it we
 * note the address.
 */
export function decideProxy(question: ProxyQuestion): DhcpDecision {
  const { packet, machine } = question;
  const message = classifyMessage(packet);
  const mac = clientMac(packet);
  if (message.kind === "notForServers") return { kind: "silence", why: message.why };
  if (mac === undefined) return { kind: "silence", why: "noEthernetAddress" };
  const client = classifyClient(packet, question.network.secureBoot);
  if (client.kind === "plain") return { kind: "silence", why: "unknownClient" };
  if (message.kind === "discover")
    return replyAs(question, { type: "offer", client, mac, destination: { kind: "broadcast", port: 68 } });
  const noted =
    message.kind === "selecting"
      ? { ...addressSeen(machine, message.address), ...(waitsForRouter(packet, client) ? { noRouter: mac } : {}) }
      : {};
  return { kind: "silence", why: message.kind === "release" ? "released" : "tookAnotherOffer", ...noted };
}

/**
 * Decides for port 4011, where PXE clients that have their address ask for their boot file (PXE 2.1 §2.2.3): REQUEST or
 * INFORM, answered to where it came from, for EDK2 asks from port 4011 and others from 68.
 */
export function decideBootServer(
  question: ProxyQuestion,
  caller: { readonly address: Ipv4; readonly port: number },
): DhcpDecision {
  const { packet } = question;
  const mac = clientMac(packet);
  const { dhcpMessageType } = packet.options;
  if (packet.op !== 1) return { kind: "silence", why: "aReply" };
  if (mac === undefined) return { kind: "silence", why: "noEthernetAddress" };
  if (dhcpMessageType !== "request" && dhcpMessageType !== "inform")
    return { kind: "silence", why: "incompleteRequest" };
  const client = classifyClient(packet, question.network.secureBoot);
  if (client.kind === "plain") return { kind: "silence", why: "unknownClient" };
  return replyAs(question, { type: "ack", client, mac, destination: { kind: "client", ...caller } });
}

function replyAs(
  question: ProxyQuestion,
  of: {
    readonly type: "offer" | "ack";
    readonly client: Client;
    readonly mac: Mac;
    readonly destination: Destination;
  },
): DhcpDecision {
  const { packet, network, machine, ports, history = noLocalHistory } = question;
  const { type, client, mac, destination } = of;
  // Only the server's side of a binding counts here: the address is the other server's affair.
  const binding = temporaryBinding(network, packet.ciaddr);
  const intent = intentFor(machine, network, mac);
  const local: LocalTry | undefined = endsLocally(client, intent)
    ? tryLocal({ client, packet, history, proxy: true })
    : undefined;
  const method = local?.attempt.method;
  const answer: Answer = decideAnswer({ client, mac, intent, binding, ports, method });
  const options = proxyOptionsFor(answer, client, binding);
  const reply: DhcpPacket = replyTo(packet, {
    ...{ type, server: binding.server, address: noAddress, ifAsked: {} },
    ...options,
  });
  const seen = seenBy(question, { client, mac, answer: wordFor(answer, method) });
  return { kind: "reply", answer, reply, destination, ...(local && { local }), ...(seen && { seen }) };
}

/** The address that a machine takes from the other server; of machines that are on record only. */
function addressSeen(
  machine: Machine | undefined,
  address: Ipv4,
): { readonly noted?: Extract<MachineEvent, { kind: "addressSeen" }> } {
  const text = formatIpv4(address);
  if (machine === undefined || machine.temporaryAddress === text || machine.permanentAddress === text) return {};
  return { noted: { kind: "addressSeen", id: machine.id, address: text } };
}
