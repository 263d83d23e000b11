import { relayPortOf } from "../dhcp/relay-port.ts";
import { replyTo } from "../dhcp/reply.ts";
import { defaultArchitecture, type MachineArchitecture } from "../machine/architecture.ts";
import type { PxeAnswer, PxeStage } from "../machine/pxe-answer.ts";
import type { PxeAsked } from "../machine/requests.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import { architectureWithoutImage, decideAnswer, endsLocally, intentFor, wordFor } from "./answer.ts";
import { type Client, machineOf } from "./client.ts";
import type { DhcpDecision, DhcpQuestion, ReplyInMaking } from "./decision.ts";
import { noLocalHistory, tryLocal } from "./local-boot/choose.ts";
import { type Part, waitsForRouter } from "./part.ts";

/** Decides the answer to a DHCP message and its destination, for one of the server's parts. */
export function decideDhcp<Message>(question: DhcpQuestion, part: Part<Message>): DhcpDecision {
  const asks = part.admit(question);
  if (asks.kind !== "asks") return asks;
  const { message, client, mac } = asks;
  const choice = part.bind(question, asks);
  if (choice.kind === "poolExhausted") {
    const seen = seenBy(question, { client, mac, answer: "none" });
    return { kind: "silence", why: "poolExhausted", size: choice.size, ...(seen && { seen }) };
  }
  const { packet, network, ports, machine, history = noLocalHistory } = question;
  const { binding, temporary } = choice;
  const intent = question.unreadable === undefined ? intentFor(machine, network, mac) : "local";
  const withoutImage = architectureWithoutImage(client, intent, question.images ?? onlyDefault);
  const local = endsLocally(client, intent, withoutImage)
    ? tryLocal({ client, packet, history, proxy: !part.leases })
    : undefined;
  const method = local?.attempt.method;
  const answer = decideAnswer({ client, mac, intent, binding, ports, method, withoutImage });
  const content = part.contentFor(question, { kind: "asks", message, client, mac, answer, binding });
  const reply = replyTo(packet, content);
  // A machine that is only recorded keeps no address: unknown machines must not exhaust the pool.
  const address = temporary && intent === "install" ? binding.address : undefined;
  const seen = seenBy(question, { client, mac, answer: wordFor(answer, method), address, withoutImage });
  const decision: ReplyInMaking = { kind: "reply", answer, reply, destination: part.destination(packet, reply) };
  if (temporary) decision.reserve = binding.address;
  if (seen !== undefined) decision.seen = seen;
  if (local !== undefined) decision.local = local;
  if (part.leases && content.type === "ack" && waitsForRouter(packet, client)) decision.noRouter = mac;
  return decision;
}

/** What a server without others has a Bootstrap Image for. */
const onlyDefault: ReadonlySet<MachineArchitecture> = new Set([defaultArchitecture]);

/** Filled field by field, as a decision is. */
type AskedInMaking = { -readonly [Field in keyof PxeAsked]: PxeAsked[Field] };

const stages: { readonly [Kind in Client["kind"]]: PxeStage | undefined } = {
  pxe: "firmware",
  httpBoot: "httpBoot",
  ipxe: "loader",
  signedImage: "loader",
  plain: undefined,
};

/** The event of a request for the machine's record; undefined for plain DHCP, and for a record that cannot be read. */
function seenBy(
  question: DhcpQuestion,
  of: {
    readonly client: Client;
    readonly mac: Mac;
    readonly answer: PxeAnswer;
    readonly address?: Ipv4 | undefined;
    readonly withoutImage?: MachineArchitecture | undefined;
  },
): PxeAsked | undefined {
  const { client, mac, answer, address, withoutImage } = of;
  const stage = stages[client.kind];
  if (stage === undefined || client.kind === "plain" || question.unreadable !== undefined) return undefined;
  const { name: network, nursery } = question.network;
  const relay = relayPortOf(question.packet);
  const asked: AskedInMaking = { kind: "pxeAsked", mac, firmware: client.firmware, network, nursery, stage, answer };
  const architecture = machineOf(client);
  if (relay !== undefined) asked.relay = relay;
  if (address !== undefined) asked.address = address;
  if (architecture !== undefined && architecture !== defaultArchitecture) asked.architecture = architecture;
  if (withoutImage !== undefined) asked.withoutImage = true;
  return asked;
}
