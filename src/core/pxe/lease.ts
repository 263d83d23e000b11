import { type Asking, classifyMessage } from "../dhcp/client-message.ts";
import { readClientMac } from "../dhcp/codec/packet.ts";
import { hopLimit, relayRequests } from "../dhcp/codec/relay-agent.ts";
import { replyDestination } from "../dhcp/destination.ts";
import type { ReplyContent } from "../dhcp/reply.ts";
import { formatIpv4, noAddress } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import { isNetworkEdge, isServerAddress, networkContains, signatureFor } from "../network/network.ts";
import { chooseBinding } from "./binding.ts";
import { bootOptionsFor, leaseOptionsFor } from "./boot-options.ts";
import { classifyClient } from "./client.ts";
import { type DhcpQuestion, type Silence, silence } from "./decision.ts";
import { noLocalHistory, tookElsewhere } from "./local-boot/choose.ts";
import type { Answered, Part } from "./part.ts";

/** The server leases the addresses and answers each message that RFC 2131 requires an answer to. */
export const leasing: Part<Asking> = {
  leases: true,
  admit,
  bind: (question, { mac, message }) => chooseBinding({ ...question, mac, message }),
  contentFor,
  destination: replyDestination,
};

function admit(question: DhcpQuestion): ReturnType<Part<Asking>["admit"]> {
  const { packet, network, machine, holderOf } = question;
  const message = classifyMessage(packet);
  const from = readClientMac(packet);
  if (message.kind === "notForServers") return silence(message.why);
  if (packet.hops > hopLimit) return silence("tooManyHops");
  // The answer to INFORM goes to the address that the message names.
  if (message.kind === "inform" && !networkContains(network, message.address)) return silence("foreignAddress");
  if (isNetworkEdge(network, packet.giaddr)) return silence("badRelayAddress");
  if (from.kind === "none") return silence(from.why);
  const { mac } = from;
  if (message.kind === "release") return silence("released");
  if (message.kind === "decline") {
    const holder = holderOf(message.address);
    const ours = holder?.kind === "machine" && holder.mac === mac;
    // Anyone can send a DECLINE: without more proof it counts only for the address that this client was just given.
    const given = question.givenTo?.(message.address) === true;
    return ours ? { kind: "declined", address: message.address, mac, given } : silence("declinedWithoutOffer");
  }
  if (message.kind === "selecting" && !isServerAddress(network, message.server)) {
    if (message.server !== relayRequests(packet).serverIdentifierOverride) return tookAnotherOffer(question);
  }

  const client = classifyClient(packet, signatureFor(network));
  const isStranger = machine === undefined && question.unreadable === undefined;
  if (client.kind === "plain" && isStranger) return silence("unknownClient");
  if (isStranger && asksForUnknown(message, question, mac)) return silence("noRecord");
  return { kind: "asks", message, client, mac };
}

function tookAnotherOffer({ packet, network, history = noLocalHistory }: DhcpQuestion): Silence {
  const local = tookElsewhere(classifyClient(packet, signatureFor(network)), history);
  return { ...silence("tookAnotherOffer"), ...(local === undefined ? {} : { local }) };
}

/** Whether a client without a record wants to keep an address of this network that was never offered to it. */
function asksForUnknown(message: Asking, { network, holderOf }: DhcpQuestion, mac: Mac): boolean {
  if (message.kind !== "initReboot" && message.kind !== "extending") return false;
  const holder = holderOf(message.address);
  return networkContains(network, message.address) && !(holder?.kind === "machine" && holder.mac === mac);
}

function contentFor(question: DhcpQuestion, answered: Answered<Asking>): ReplyContent {
  const { message, answer, client, binding } = answered;
  const { address, leaseSeconds } = binding;
  // The server identifier: the server's address, or that of a relay that overrides it (RFC 5107).
  const server = relayRequests(question.packet).serverIdentifierOverride ?? binding.server;
  const { always, boot } = bootOptionsFor(answer, client, binding);
  const ifRequested = leaseOptionsFor(binding, question.machine?.hostname);
  switch (message.kind) {
    case "discover":
      return { type: "offer", server, address, leaseSeconds, always, ifRequested, boot };
    case "inform": {
      // RFC 2131 §4.3.5: parameters without a lease.
      const { renewalTimeValue: _t1, rebindingTimeValue: _t2, ...parameters } = ifRequested;
      return { type: "ack", server, address: noAddress, always, ifRequested: parameters, boot };
    }
    case "selecting":
    case "initReboot":
    case "extending":
      if (answer.kind === "local" && answer.method === "offerThenNak")
        return { type: "nak", server, message: "boot from the local disk" };
      if (message.address !== address)
        return { type: "nak", server, message: `your address is ${formatIpv4(address)}` };
      return { type: "ack", server, address, leaseSeconds, always, ifRequested, boot };
  }
}
