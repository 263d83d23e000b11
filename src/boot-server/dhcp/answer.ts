import { hexFromBytes } from "../../core/bytes/text.ts";
import { clientMac, type DhcpPacket } from "../../core/dhcp/codec/packet.ts";
import { readDhcp } from "../../core/dhcp/codec/read.ts";
import { writeDhcp } from "../../core/dhcp/codec/write.ts";
import { offerMs } from "../../core/dhcp/pool/reservations.ts";
import { replyLimit } from "../../core/dhcp/reply.ts";
import type { Machine } from "../../core/machine/record.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { Mac } from "../../core/net/mac.ts";
import { chooseNetwork } from "../../core/network/choose-network.ts";
import type { Network, ServerPorts } from "../../core/network/network.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { decideByMode } from "../../core/pxe/decide-by-mode.ts";
import type { DhcpDecision } from "../../core/pxe/decision.ts";
import type { PacketLog } from "../observe/packet-log.ts";
import type { Peer } from "../socket/mmsghdr.ts";
import type { AddressBook } from "./address-book.ts";
import type { LocalBoots } from "./local-boots.ts";
import {
  admitsNewcomer,
  count,
  isServed,
  type NetworkStatus,
  notePoolExhausted,
  notePoolServes,
} from "./network-status.ts";
import type { SeenRequests } from "./seen-requests.ts";
import { type DhcpSender, type SentBetween, sendReply, tellNoRouter } from "./send.ts";

/** How long a pool that was found exhausted is not searched again. */
const searchAgainMs = 1000;

/** A socket that DHCP is heard by, and answered from. */
export type DhcpListener = DhcpSender & {
  /** Undefined for the one that relays write to. */
  readonly interface: string | undefined;
  /** The network that bytes are counted for which do not say more. */
  readonly status: NetworkStatus;
};

type Of<K extends DhcpDecision["kind"]> = Extract<DhcpDecision, { kind: K }>;

/**
 * What is there already, or will be. Most requests are answered without waiting for anything, and go through without a
 * promise: many are heard in one turn of the event loop, and their answers then leave in one system call.
 */
type Soon<T> = T | Promise<T>;

/** Goes on with what is there, at once or when it comes. */
function whenThere<T, U>(soon: Soon<T>, goOn: (value: T) => Soon<U>): Soon<U> {
  return soon instanceof Promise ? soon.then(goOn) : goOn(soon);
}

/** A message that is to be answered. */
type Asked = {
  readonly listener: DhcpListener;
  readonly status: NetworkStatus;
  readonly packet: DhcpPacket;
  readonly mac: Mac | undefined;
  readonly from: Peer;
};
type Sent = SentBetween & { readonly atMs: number; readonly bytes: Uint8Array };

/** What happens to a datagram: read, decided by core, carried out. The bytes are kept. */
export type DhcpAnswers = (listener: DhcpListener, bytes: Uint8Array, from: Peer) => Soon<void>;

/** Makes the answering of these networks; the sockets are the caller's. */
export function dhcpAnswers(deps: {
  readonly statuses: ReadonlyMap<Network, NetworkStatus>;
  readonly book: AddressBook;
  readonly seenRequests: SeenRequests;
  readonly packets: PacketLog;
  readonly ports: ServerPorts;
  readonly store: Store;
  readonly localBoots?: LocalBoots;
  readonly maxMachines: number;
  readonly clock: Clock;
  readonly log: Log;
}): DhcpAnswers {
  const { statuses, book, seenRequests, packets, ports, store, localBoots, clock, log } = deps;
  const networks = [...statuses.keys()];
  const searchAgainAtMs = new Map<Network, number>();

  function receive(listener: DhcpListener, bytes: Uint8Array, from: Peer): Soon<void> {
    const result = readDhcp(bytes);
    if (result.kind === "malformed") {
      listener.status.received += 1;
      count(listener.status.malformed, result.fault);
      const facts = { network: listener.status.network.name, from: formatIpv4(from.address), fault: result.fault };
      log("debug", "malformed DHCP packet", { ...facts, bytes: hexFromBytes(bytes) });
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
    const atMs = clock.nowMs();
    return whenThere(answer({ listener, status, packet, mac, from }), (sent) => {
      const id = mac === undefined ? undefined : store.byMac(mac)?.id;
      if (id === undefined) return;
      packets.note(id, { atMs, direction: "in", protocol: "dhcp", source: from, destination: listener.place, bytes });
      if (sent !== undefined) packets.note(id, { ...sent, direction: "out", protocol: "dhcp" });
    });
  }

  /** Decides and carries out; what was sent, if anything was. */
  function answer(asked: Asked): Soon<Sent | undefined> {
    return whenThere(decide(asked), (decision) => {
      switch (decision.kind) {
        case "declined":
          return noteDecline(asked.status.network, decision);
        case "silence":
          return keepSilent(asked, decision);
        case "reply":
          return reply(asked, decision);
      }
    });
  }

  /** Core's decision; if the pool is empty, once more when addresses of vanished machines came back. */
  function decide({ listener, status, packet, mac, from }: Asked): Soon<DhcpDecision> {
    const { network } = status;
    const clientPort4011 = listener.place.port === 4011 ? from : undefined;
    const question = () => {
      const machine = mac === undefined ? undefined : store.byMac(mac);
      const history =
        mac === undefined || localBoots === undefined ? {} : { history: localBoots.historyOf(mac, machine) };
      return { packet, network, ports, machine, holderOf: book.holderFor(mac), ...history };
    };
    const nowMs = clock.monotonicMs();
    const poolFull = (searchAgainAtMs.get(network) ?? 0) > nowMs;
    const decision = decideByMode({ ...question(), poolFull }, isServed(status), clientPort4011);
    if (poolFull || decision.kind !== "silence" || decision.why !== "poolExhausted") return decision;
    searchAgainAtMs.set(network, nowMs + searchAgainMs);
    return book.returnVanished(network).then((returned) => {
      if (returned === 0) return decision;
      searchAgainAtMs.delete(network);
      const facts = { network: network.name, addresses: returned };
      log("info", "temporary addresses of vanished machines returned", facts);
      return decideByMode(question(), isServed(status));
    });
  }

  async function noteDecline(network: Network, { mac, address }: Of<"declined">): Promise<undefined> {
    const dotted = formatIpv4(address);
    book.decline(address, mac);
    const next = `find the host that uses it: arping ${dotted}; birther networks shows what is out of use`;
    log("warn", "address declined: another host uses it", { network: network.name, mac, address: dotted, next });
    const machine = store.byMac(mac);
    if (machine !== undefined) await store.apply({ kind: "addressDeclined", id: machine.id, address: dotted });
  }

  function keepSilent({ listener, status, mac }: Asked, decision: Of<"silence">): Soon<undefined> {
    const facts = { network: status.network.name, mac };
    count(status.unanswered, decision.why);
    if (decision.why === "poolExhausted") notePoolExhausted(status, decision.size, deps);
    if (decision.why === "withheld") log("info", "DHCP request only listened to", { ...facts, would: decision.would });
    else log("debug", "DHCP request not answered", { ...facts, why: decision.why });
    if ("noRouter" in decision) tellNoRouter(listener, decision.noRouter);
    const noted = "noted" in decision ? decision.noted : undefined;
    const seen = whenThere(noteUnanswered(status, decision), () => noted && store.apply(noted));
    return whenThere(seen, () => undefined);
  }

  /**
   * Nobody unknown gets a record for asking in vain: invented machines would fill memory and disk. To listen is to see
   * them: there the number is bounded.
   */
  function noteUnanswered(status: NetworkStatus, { seen, why }: Of<"silence">): Soon<unknown> {
    if (seen === undefined) return undefined;
    const machine = store.byMac(seen.mac);
    if (machine !== undefined) return seenRequests.after(machine, seen);
    return why === "withheld" && admitsNewcomer(status, deps) ? store.apply(seen) : undefined;
  }

  function reply(asked: Asked, decision: Of<"reply">): Soon<Sent | undefined> {
    const { status, mac } = asked;
    const { seen, reserve, local } = decision;
    // Another message of it may have been written down in the meantime.
    const machine = mac === undefined ? undefined : store.byMac(mac);
    if (machine === undefined && seen !== undefined && !admitsNewcomer(status, deps)) return undefined;
    if (mac !== undefined && local !== undefined) localBoots?.keep(mac, local);
    const { dhcpMessageType: type, ipAddressLeaseTime = 0 } = decision.reply.options;
    if (mac !== undefined && reserve !== undefined) {
      if (book.holderFor(mac)(reserve) === undefined) notePoolServes(status, deps);
      book.promise(reserve, mac, type === "ack" ? ipAddressLeaseTime * 1000 : offerMs);
    }
    const known = seenRequests.before({ type, mac, machine, seen }) ?? true;
    return whenThere(known, (accepted) => (accepted ? runStep(asked, machine, decision) : undefined));
  }

  function runStep(asked: Asked, machine: Machine | undefined, decision: Of<"reply">): Soon<Sent> {
    const { listener, status, packet, mac, from } = asked;
    const { reply, destination, seen } = decision;
    const bytes = writeDhcp(reply, replyLimit(packet));
    const atMs = clock.nowMs();
    const sent = { ...sendReply(listener, { reply, destination, bytes, caller: from, log }), atMs, bytes };
    tellNoRouter(listener, decision.noRouter);
    status.answered += 1;
    count(status.answers, decision.answer.kind);
    log("info", `DHCP ${reply.options.dhcpMessageType}`, {
      ...{ network: status.network.name, mac, address: formatIpv4(reply.yiaddr), answer: decision.answer.kind },
    });
    const written = machine === undefined || seen === undefined ? undefined : seenRequests.after(machine, seen);
    return whenThere(written, () => sent);
  }

  return receive;
}
