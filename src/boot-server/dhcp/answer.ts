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
import type { DhcpDecision } from "../../core/pxe/decide.ts";
import { decideByMode } from "../../core/pxe/decide-by-mode.ts";
import type { PacketLog } from "../observe/packet-log.ts";
import type { Peer } from "../socket/mmsghdr.ts";
import type { AddressBook } from "./address-book.ts";
import type { LocalBoots } from "./local-boots.ts";
import { admitsNewcomer, count, isServed, notePoolExhausted, notePoolServes, type Standing } from "./network-status.ts";
import type { SeenRequests } from "./seen-requests.ts";
import { type DhcpSender, type SentBetween, sendReply, tellNoRouter } from "./send.ts";

/** How long a pool that was found exhausted is not searched again. */
const searchAgainMs = 1000;

/** A socket that DHCP is heard by, and answered from. */
export type Ear = DhcpSender & {
  /** Undefined for the one that relays write to. */
  readonly interface: string | undefined;
  /** The network that bytes are counted for which do not say more. */
  readonly standing: Standing;
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
  readonly ear: Ear;
  readonly standing: Standing;
  readonly packet: DhcpPacket;
  readonly mac: Mac | undefined;
  readonly from: Peer;
};
type Sent = SentBetween & { readonly atMs: number; readonly bytes: Uint8Array };

/** What happens to a datagram: read, decided by core, carried out. The bytes are kept. */
export type DhcpAnswers = (ear: Ear, bytes: Uint8Array, from: Peer) => Soon<void>;

/** Makes the answering of these networks; the sockets are the caller's. */
export function dhcpAnswers(deps: {
  readonly standings: ReadonlyMap<Network, Standing>;
  readonly book: AddressBook;
  readonly seenRequests: SeenRequests;
  readonly packets: PacketLog;
  readonly ports: ServerPorts;
  readonly store: Store;
  readonly localBoots?: LocalBoots;
  readonly maxMachines?: number;
  readonly clock: Clock;
  readonly log: Log;
}): DhcpAnswers {
  const { standings, book, seenRequests, packets, ports, store, localBoots, clock, log } = deps;
  const networks = [...standings.keys()];
  const searchAgainAtMs = new Map<Network, number>();

  function receive(ear: Ear, bytes: Uint8Array, from: Peer): Soon<void> {
    const result = readDhcp(bytes);
    if (result.kind === "malformed") {
      ear.standing.received += 1;
      count(ear.standing.malformed, result.fault);
      const facts = { network: ear.standing.network.name, from: formatIpv4(from.address), fault: result.fault };
      log("debug", "malformed DHCP packet", { ...facts, bytes: hexFromBytes(bytes) });
      return;
    }
    const { packet } = result;
    const mac = clientMac(packet);
    const network = chooseNetwork(packet, networks, ear.interface);
    const standing = network === undefined ? ear.standing : (standings.get(network) ?? ear.standing);
    standing.received += 1;
    if (network === undefined) {
      count(standing.unanswered, "foreignNetwork");
      const facts = { from: formatIpv4(from.address), giaddr: formatIpv4(packet.giaddr), mac };
      log("debug", "DHCP request not answered", { ...facts, why: "foreignNetwork" });
      return;
    }
    const atMs = clock.nowMs();
    return whenThere(answer({ ear, standing, packet, mac, from }), (sent) => {
      const id = mac === undefined ? undefined : store.byMac(mac)?.id;
      if (id === undefined) return;
      packets.note(id, { atMs, direction: "in", protocol: "dhcp", source: from, destination: ear.place, bytes });
      if (sent !== undefined) packets.note(id, { ...sent, direction: "out", protocol: "dhcp" });
    });
  }

  /** Decides and carries out; what was sent, if anything was. */
  function answer(asked: Asked): Soon<Sent | undefined> {
    return whenThere(decide(asked), (decision) => {
      switch (decision.kind) {
        case "declined":
          return noteDecline(asked.standing.network, decision);
        case "silence":
          return keepSilent(asked, decision);
        case "reply":
          return reply(asked, decision);
      }
    });
  }

  /** Core's decision; if the pool is empty, once more when addresses of vanished machines came back. */
  function decide({ ear, standing, packet, mac, from }: Asked): Soon<DhcpDecision> {
    const { network } = standing;
    const asker4011 = ear.place.port === 4011 ? from : undefined;
    const question = () => {
      const machine = mac === undefined ? undefined : store.byMac(mac);
      const history =
        mac === undefined || localBoots === undefined ? {} : { history: localBoots.historyOf(mac, machine) };
      return { packet, network, ports, machine, holderOf: book.holderFor(mac), ...history };
    };
    const nowMs = clock.monotonicMs();
    const poolFull = (searchAgainAtMs.get(network) ?? 0) > nowMs;
    const decision = decideByMode({ ...question(), poolFull }, isServed(standing), asker4011);
    if (poolFull || decision.kind !== "silence" || decision.why !== "poolExhausted") return decision;
    searchAgainAtMs.set(network, nowMs + searchAgainMs);
    return book.returnVanished(network).then((returned) => {
      if (returned === 0) return decision;
      searchAgainAtMs.delete(network);
      const facts = { network: network.name, addresses: returned };
      log("info", "temporary addresses of vanished machines returned", facts);
      return decideByMode(question(), isServed(standing));
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

  function keepSilent({ ear, standing, mac }: Asked, decision: Of<"silence">): Soon<undefined> {
    const facts = { network: standing.network.name, mac };
    count(standing.unanswered, decision.why);
    if (decision.why === "poolExhausted") notePoolExhausted(standing, decision.size, deps);
    if (decision.why === "withheld") log("info", "DHCP request only listened to", { ...facts, would: decision.would });
    else log("debug", "DHCP request not answered", { ...facts, why: decision.why });
    if ("noRouter" in decision) tellNoRouter(ear, decision.noRouter);
    const noted = "noted" in decision ? decision.noted : undefined;
    const seen = whenThere(noteUnanswered(standing, decision), () => noted && store.apply(noted));
    return whenThere(seen, () => undefined);
  }

  /**
   * Nobody unknown gets a record for asking in vain: invented machines would fill memory and disk. To listen is to see
   * them: there the number is bounded.
   */
  function noteUnanswered(standing: Standing, { seen, why }: Of<"silence">): Soon<unknown> {
    if (seen === undefined) return undefined;
    const machine = store.byMac(seen.mac);
    if (machine !== undefined) return seenRequests.after(machine, seen);
    return why === "withheld" && admitsNewcomer(standing, deps) ? store.apply(seen) : undefined;
  }

  function reply(asked: Asked, decision: Of<"reply">): Soon<Sent | undefined> {
    const { standing, mac } = asked;
    const { seen, reserve, local } = decision;
    // Another message of it may have been written down in the meantime.
    const machine = mac === undefined ? undefined : store.byMac(mac);
    if (machine === undefined && seen !== undefined && !admitsNewcomer(standing, deps)) return undefined;
    if (mac !== undefined && local !== undefined) localBoots?.keep(mac, local);
    const { dhcpMessageType: type, ipAddressLeaseTime = 0 } = decision.reply.options;
    if (mac !== undefined && reserve !== undefined) {
      if (book.holderFor(mac)(reserve) === undefined) notePoolServes(standing, deps);
      book.promise(reserve, mac, type === "ack" ? ipAddressLeaseTime * 1000 : offerMs);
    }
    const known = seenRequests.before({ type, mac, machine, seen }) ?? true;
    return whenThere(known, (accepted) => (accepted ? carryOut(asked, machine, decision) : undefined));
  }

  function carryOut(asked: Asked, machine: Machine | undefined, decision: Of<"reply">): Soon<Sent> {
    const { ear, standing, packet, mac, from } = asked;
    const { reply, destination, seen } = decision;
    const bytes = writeDhcp(reply, replyLimit(packet));
    const atMs = clock.nowMs();
    const sent = { ...sendReply(ear, { reply, destination, bytes, asker: from, log }), atMs, bytes };
    tellNoRouter(ear, decision.noRouter);
    standing.answered += 1;
    count(standing.answers, decision.answer.kind);
    log("info", `DHCP ${reply.options.dhcpMessageType}`, {
      ...{ network: standing.network.name, mac, address: formatIpv4(reply.yiaddr), answer: decision.answer.kind },
    });
    const written = machine === undefined || seen === undefined ? undefined : seenRequests.after(machine, seen);
    return whenThere(written, () => sent);
  }

  return receive;
}
