import { formatIpv4, type Ipv4 } from "../net/ipv4.ts";
import { decideDhcp } from "./decide.ts";
import type { DhcpDecision, DhcpQuestion } from "./decision.ts";
import { leasing } from "./lease.ts";
import { bootServing, proxying } from "./proxy.ts";

/**
 * Decides by the network's mode. `served` is false if an unexpected DHCP server was detected: then, as in mode `listen`,
 * unknown machines are not answered, none is born, and the withheld answer is logged. Machines that this server installs or
 * has installed keep their addresses from it. `clientPort4011` is the sender of a request on
 * port 4011; it is absent on port 67.
 */
export function decideByMode(
  question: DhcpQuestion,
  served: boolean,
  clientPort4011?: { readonly address: Ipv4; readonly port: number },
): DhcpDecision {
  const { mode } = question.network;
  const { machine, unreadable } = question;
  const known = (machine !== undefined && machine.state !== "unknown") || unreadable?.permanentAddress !== undefined;
  if (clientPort4011 !== undefined) return decideDhcp(question, bootServing(clientPort4011));
  const decision = mode === "proxy" ? decideDhcp(question, proxying) : decideDhcp(question, leasing);
  return mode === "listen" || !(served || known) ? withheld(decision) : decision;
}

/** A decision that is not executed: the request is only counted. */
function withheld(decision: DhcpDecision): DhcpDecision {
  if (decision.kind === "declined") return { kind: "silence", why: "unknownClient" };
  if (decision.kind === "silence") {
    if (decision.why === "withheld" || decision.why === "poolExhausted") {
      const { seen: _unseen, ...rest } = decision;
      return rest;
    }
    const { seen: _unseen, noRouter: _untold, ...rest } = decision;
    return rest;
  }
  const { reply, answer, seen } = decision;
  const address = reply.options.dhcpMessageType === "nak" ? "" : ` ${formatIpv4(reply.yiaddr)}`;
  const file = reply.file === "" ? (reply.options.bootFileName ?? "") : reply.file;
  const would = `${reply.options.dhcpMessageType}${address}, ${seen?.answer ?? answer.kind} ${file}`.trimEnd();
  if (seen === undefined) return { kind: "silence", why: "withheld", would };
  const { address: _none, ...others } = seen;
  return { kind: "silence", why: "withheld", would, seen: { ...others, nursery: false, withheld: true } };
}
