import { writeDhcp } from "../../core/dhcp/codec/write.ts";
import { offerMs } from "../../core/dhcp/pool/reservations.ts";
import { replyLimit } from "../../core/dhcp/reply.ts";
import type { Machine } from "../../core/machine/record.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { DhcpDecision } from "../../core/pxe/decision.ts";
import type { AnswerDeps, DecisionOf, ReceivedRequest, Sent } from "./exchange.ts";
import { admitsNewcomer, count, type NetworkStatus, notePoolExhausted } from "./network-status.ts";
import { announceNoRouter, sendReply } from "./send.ts";
import { type Soon, whenThere } from "./soon.ts";
import { isItself, promise } from "./unused-address.ts";

/** Carries out core's decision; returns the sent reply, if any. */
export function execute(deps: AnswerDeps, request: ReceivedRequest, decision: DhcpDecision): Soon<Sent | undefined> {
  switch (decision.kind) {
    case "declined":
      return noteDecline(deps, request, decision);
    case "silence":
      return keepSilent(deps, request, decision);
    case "reply":
      return reply(deps, request, decision);
  }
}

async function noteDecline(
  deps: AnswerDeps,
  { status, listener }: ReceivedRequest,
  { mac, address, given }: DecisionOf<"declined">,
): Promise<undefined> {
  const { book, log, store } = deps;
  const dotted = formatIpv4(address);
  const next = `find the host that uses the address with arping ${dotted}; birther networks lists declined addresses`;
  const facts = { network: status.network.name, mac, address: dotted, next };
  const machine = store.byMac(mac);
  const isPermanent = machine?.permanentAddress === address;
  // A record that is right stays so, and a late or forged message proves nothing: only a host that answers there does.
  const other = given && !isPermanent ? undefined : await listener.probe?.hostAt(address);
  const isProven = other !== undefined && !isItself(other, mac, machine);
  if (!isProven && (isPermanent || !given)) {
    count(status.unanswered, "declinedWithoutOffer");
    log(given ? "warn" : "debug", "address declined, but no other host answers there; nothing was changed", facts);
    return;
  }
  if (!isPermanent) book.decline(address, mac);
  log("warn", "address declined: another host uses it", { ...facts, permanent: isPermanent, other });
  if (machine !== undefined) await store.apply({ kind: "addressDeclined", id: machine.id, address });
}

function keepSilent(
  deps: AnswerDeps,
  { listener, status, mac }: ReceivedRequest,
  decision: DecisionOf<"silence">,
): Soon<undefined> {
  const { log, store, localBoots } = deps;
  const facts = { network: status.network.name, mac };
  count(status.unanswered, decision.why);
  if (mac !== undefined && "local" in decision && decision.local !== undefined) localBoots?.keep(mac, decision.local);
  if (decision.why === "poolExhausted") notePoolExhausted(status, decision.size, deps);
  if (decision.why === "withheld")
    log("info", "DHCP request not answered in listen mode", { ...facts, would: decision.would });
  else log("debug", "DHCP request not answered", { ...facts, why: decision.why });
  if ("noRouter" in decision) announceNoRouter(listener, decision.noRouter);
  const noted = "noted" in decision ? decision.noted : undefined;
  const seen = whenThere(noteUnanswered(deps, status, decision), () => noted && store.apply(noted));
  return whenThere(seen, () => undefined);
}

/**
 * An unknown client gets no record for an unanswered request, because invented machines would fill memory and disk. In
 * listen mode it gets one, because the limit on new records bounds them.
 */
function noteUnanswered(deps: AnswerDeps, status: NetworkStatus, { seen, why }: DecisionOf<"silence">): Soon<unknown> {
  const { store, seenRequests } = deps;
  if (seen === undefined) return undefined;
  const machine = store.byMac(seen.mac);
  if (machine !== undefined) return seenRequests.after(machine, seen);
  return why === "withheld" && admitsNewcomer(status, deps) ? store.apply(seen) : undefined;
}

function reply(deps: AnswerDeps, request: ReceivedRequest, decision: DecisionOf<"reply">): Soon<Sent | undefined> {
  const { store, localBoots, book, seenRequests } = deps;
  const { status, mac } = request;
  const { seen, reserve, local } = decision;
  // Another message of it may have been recorded meanwhile.
  const machine = mac === undefined ? undefined : store.byMac(mac);
  if (machine === undefined && seen !== undefined && !admitsNewcomer(status, deps)) return undefined;
  if (mac !== undefined && local !== undefined) localBoots?.keep(mac, local);
  const { dhcpMessageType: type, ipAddressLeaseTime = 0 } = decision.reply.options;
  if (mac !== undefined && reserve !== undefined)
    promise(deps, status, { address: reserve, mac, leaseMs: type === "ack" ? ipAddressLeaseTime * 1000 : offerMs });
  if (mac !== undefined && type === "ack") book.give(decision.reply.yiaddr, mac);
  const known = seenRequests.before({ type, mac, machine, seen }) ?? true;
  return whenThere(known, (accepted) => (accepted ? send(deps, request, { decision, machine }) : undefined));
}

function send(
  { clock, log, seenRequests }: AnswerDeps,
  request: ReceivedRequest,
  answer: { readonly decision: DecisionOf<"reply">; readonly machine: Machine | undefined },
): Soon<Sent> {
  const { decision, machine } = answer;
  const { listener, status, packet, mac, from } = request;
  const { reply, destination, seen } = decision;
  const bytes = writeDhcp(reply, replyLimit(packet));
  const atMs = clock.nowMs();
  const sent = { ...sendReply(listener, { reply, destination, bytes, caller: from, log }), atMs, bytes };
  announceNoRouter(listener, decision.noRouter);
  status.answered += 1;
  count(status.answers, decision.answer.kind);
  log("info", `DHCP ${reply.options.dhcpMessageType}`, {
    ...{ network: status.network.name, mac, address: formatIpv4(reply.yiaddr), answer: decision.answer.kind },
  });
  const written = machine === undefined || seen === undefined ? undefined : seenRequests.after(machine, seen);
  return whenThere(written, () => sent);
}
