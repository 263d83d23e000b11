import { hexFromBytes } from "../../core/bytes/text.ts";
import { clientMac } from "../../core/dhcp/codec/packet.ts";
import { readDhcp } from "../../core/dhcp/codec/read.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { chooseNetwork } from "../../core/network/choose-network.ts";
import type { Peer } from "../socket/mmsghdr.ts";
import { askCore, type ExhaustedPools } from "./ask-core.ts";
import type { AnswerDeps, DhcpListener, ReceivedRequest, Sent } from "./exchange.ts";
import { execute } from "./execute.ts";
import { count } from "./network-status.ts";
import { type Soon, whenThere } from "./soon.ts";
import { type ClearedOffers, decideUnused } from "./unused-address.ts";

/** Handles a datagram: parse it, let core decide, carry the decision out. The bytes are kept. */
export type DhcpAnswers = (listener: DhcpListener, bytes: Uint8Array, from: Peer) => Soon<void>;

/** Opens the handling of these networks' requests; the sockets belong to the caller. */
export function dhcpAnswers(deps: AnswerDeps): DhcpAnswers {
  const { statuses, clock, log } = deps;
  const networks = [...statuses.keys()];
  const exhausted: ExhaustedPools = new Map();
  const cleared: ClearedOffers = new Map();

  return (listener, bytes, from) => {
    const result = readDhcp(bytes);
    if (result.kind === "malformed") {
      noteMalformed(deps, listener, { bytes, from, fault: result.fault });
      return;
    }
    const { packet } = result;
    const mac = clientMac(packet);
    const network = chooseNetwork(packet, networks, listener.interface);
    const status = network === undefined ? listener.status : (statuses.get(network) ?? listener.status);
    status.received += 1;
    if (network === undefined) {
      count(status.unanswered, "foreignNetwork");
      const facts = { from: formatIpv4(from.address), giaddr: formatIpv4(packet.giaddr), mac };
      log("debug", "DHCP request not answered", { ...facts, why: "foreignNetwork" });
      return;
    }
    const request: ReceivedRequest = { listener, status, packet, mac, from };
    const atMs = clock.nowMs();
    const decided = decideUnused(deps, { request, cleared }, () => askCore(deps, exhausted, request));
    const sent = whenThere(decided, (decision) => execute(deps, request, decision));
    return whenThere(sent, (sent) => keepPackets(deps, request, { atMs, bytes, sent }));
  };
}

function noteMalformed(
  { log }: AnswerDeps,
  { status }: DhcpListener,
  heard: { readonly bytes: Uint8Array; readonly from: Peer; readonly fault: string },
): void {
  status.received += 1;
  count(status.malformed, heard.fault);
  const facts = { network: status.network.name, from: formatIpv4(heard.from.address), fault: heard.fault };
  log("debug", "malformed DHCP packet", { ...facts, bytes: hexFromBytes(heard.bytes) });
}

/** The packets of a machine with a record, for operators who look for missing answers. */
function keepPackets(
  { store, packets }: AnswerDeps,
  { listener, mac, from }: ReceivedRequest,
  exchanged: { readonly atMs: number; readonly bytes: Uint8Array; readonly sent: Sent | undefined },
): void {
  const id = mac === undefined ? undefined : store.byMac(mac)?.id;
  if (id === undefined) return;
  const { atMs, bytes, sent } = exchanged;
  packets.note(id, { atMs, direction: "in", protocol: "dhcp", source: from, destination: listener.endpoint, bytes });
  if (sent !== undefined) packets.note(id, { ...sent, direction: "out", protocol: "dhcp" });
}
