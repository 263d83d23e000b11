import type { Config } from "../../contract/config/schema.ts";
import { formatPrefix, parseIpv4, prefixBroadcast, prefixContains } from "../../core/net/ipv4.ts";
import { type Network, permanentPart } from "../../core/network/network.ts";
import { placeMachine } from "../../core/site/place.ts";
import type { Placement } from "../../core/site/placement.ts";

/**
 * Why a place that init computed is none, in words; undefined when all is well. The server computes it again: a machine
 * gets the name and address of its switch port, and no other that it may like.
 */
export function whyNotPlaced(placement: Placement, network: Network, config: Config): string | undefined {
  const { switchName, port } = placement;
  const ours = placeMachine(config.placement.rules, { switchName, port });
  if (ours.kind === "unplaced") return ours.reason;
  const { hostname, address } = ours.placement;
  if (hostname !== placement.hostname || address !== placement.address) {
    return `${switchName} ${port} is the place of ${hostname} ${address}, not of ${placement.hostname} ${placement.address}`;
  }
  const permanent = permanentPart(network);
  const parsed = parseIpv4(address);
  const inside = parsed !== undefined && prefixContains(permanent.prefix, parsed);
  if (!inside || parsed === permanent.prefix.address || parsed === prefixBroadcast(permanent.prefix)) {
    return `${address} of ${hostname} is no machine's address in ${formatPrefix(permanent.prefix)} of network ${network.name}`;
  }
  const { first, last } = network.temporaryPool;
  const taken = [permanent.serverAddress, permanent.gateway, network.serverAddress, network.relay?.gateway].includes(
    parsed,
  );
  if (taken || (parsed >= first && parsed <= last)) {
    return `${address} of ${hostname} is ${taken ? "the server's or gateway's own" : "one of the temporary pool"}`;
  }
  return undefined;
}
