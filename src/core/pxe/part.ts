import type { DhcpPacket } from "../dhcp/codec/packet.ts";
import type { Destination } from "../dhcp/destination.ts";
import type { ReplyContent } from "../dhcp/reply.ts";
import { noAddress } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import type { Binding } from "../network/network.ts";
import type { Answer } from "./answer.ts";
import type { BindingChoice } from "./binding.ts";
import type { Client } from "./client.ts";
import type { DhcpDecision, DhcpQuestion } from "./decision.ts";

/** A message that gets an answer, as its part classifies it. */
export type Asks<Message> = {
  readonly kind: "asks";
  readonly message: Message;
  readonly client: Client;
  readonly mac: Mac;
};

/** The inputs of a reply's content. */
export type Answered<Message> = Asks<Message> & { readonly answer: Answer; readonly binding: Binding };

/**
 * The role of the server towards a client: leasing addresses (lease.ts), or adding the boot file to the lease of another
 * server (proxy.ts). It implements each step of the common sequence in decide.ts.
 */
export type Part<Message> = {
  /** Whether this server leases the address. */
  readonly leases: boolean;
  /** Classifies a message: it gets an answer, or another decision. */
  readonly admit: (question: DhcpQuestion) => Asks<Message> | Exclude<DhcpDecision, { kind: "reply" }>;
  readonly bind: (question: DhcpQuestion, asks: Asks<Message>) => BindingChoice;
  readonly contentFor: (question: DhcpQuestion, answered: Answered<Message>) => ReplyContent;
  readonly destination: (request: DhcpPacket, reply: DhcpPacket) => Destination;
};

/** iPXE on a network of the server's interfaces: a relayed network cannot be reached for this. */
export function waitsForRouter(packet: DhcpPacket, client: Client): boolean {
  return client.kind === "ipxe" && packet.giaddr === noAddress;
}
