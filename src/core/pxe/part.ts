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

/** A message that gets an answer, as far as its part reads it. */
export type Asks<Message> = {
  readonly kind: "asks";
  readonly message: Message;
  readonly client: Client;
  readonly mac: Mac;
};

/** All that the reply's content is made of. */
export type Answered<Message> = Asks<Message> & { readonly answer: Answer; readonly binding: Binding };

/**
 * The part that we play for whoever asks: leasing addresses (lease.ts), or naming the boot file beside a server that does
 * (proxy.ts). It says how each step of the one sequence in decide.ts is done.
 */
export type Part<Message> = {
  /** Whether the address is ours to lease. */
  readonly leases: boolean;
  /** Which messages get an answer at all, and what becomes of the others. */
  readonly admit: (question: DhcpQuestion) => Asks<Message> | Exclude<DhcpDecision, { kind: "reply" }>;
  readonly bind: (question: DhcpQuestion, asks: Asks<Message>) => BindingChoice;
  readonly contentFor: (question: DhcpQuestion, answered: Answered<Message>) => ReplyContent;
  readonly destination: (request: DhcpPacket, reply: DhcpPacket) => Destination;
};

/** iPXE on our own wire: what relays bring is on one that we cannot speak to. */
export function waitsForRouter(packet: DhcpPacket, client: Client): boolean {
  return client.kind === "ipxe" && packet.giaddr === noAddress;
}
