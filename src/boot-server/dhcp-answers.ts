import type { RemoteInfo, Socket } from "node:dgram";
import { hexFromBytes } from "../core/bytes/text.ts";
import type { Destination } from "../core/dhcp/destination.ts";
import { clientMac, type DhcpPacket } from "../core/dhcp/packet.ts";
import { readDhcp } from "../core/dhcp/read.ts";
import { replyLimit } from "../core/dhcp/reply.ts";
import { offerMs } from "../core/dhcp/reservations.ts";
import { writeDhcp } from "../core/dhcp/write.ts";
import { formatIpv4, noAddress, parseIpv4 } from "../core/net/ipv4.ts";
import type { Mac } from "../core/net/mac.ts";
import { udpPacket } from "../core/net/pcap.ts";
import { noRouterAdvertisement } from "../core/net/router-advertisement.ts";
import type { Clock, Log, Store } from "../core/ports.ts";
import { chooseNetwork } from "../core/pxe/choose-network.ts";
import type { DhcpDecision } from "../core/pxe/decide.ts";
import { decideByMode } from "../core/pxe/decide-by-mode.ts";
import type { Network, ServerPorts } from "../core/pxe/network.ts";
import type { AddressBook } from "./address-book.ts";
import type { FrameSender } from "./frame-sender.ts";
import type { LocalBoots } from "./local-boots.ts";
import {
  admitsNewcomer,
  count,
  isServed,
  notePoolExhausted,
  notePoolServes,
  type Standing,
} from "./network-standing.ts";
import type { PacketLog } from "./packet-log.ts";

/** Machines whose first record is being written; more are left to their next attempt, 4 s later. */
const waitingLimit = 4096;

/** How long a pool that was found exhausted is not searched again. */
const searchAgainMs = 1000;

/** A socket that DHCP is heard by. */
export type Ear = {
  readonly socket: Socket;
  /** Undefined for the one that relays write to. */
  readonly interface: string | undefined;
  /** For clients that answer no ARP yet; not on the relays' socket, nor where it is not allowed. */
  readonly frames?: FrameSender;
  /** Our address, for the packet log. */
  readonly address: string;
  /** 4011 where PXE clients ask a boot server that leases no addresses. */
  readonly port: 67 | 4011;
  /** The network that bytes are counted for which do not say more. */
  readonly standing: Standing;
};

type Reply = Extract<DhcpDecision, { kind: "reply" }>;

/** What happens to a datagram: read, decided by core, carried out. */
export type DhcpAnswers = (ear: Ear, bytes: Uint8Array, from: RemoteInfo) => Promise<void>;

/** Makes the answering of these networks; the sockets are the caller's. */
export function dhcpAnswers(deps: {
  readonly standings: ReadonlyMap<Network, Standing>;
  readonly book: AddressBook;
  readonly packets: PacketLog;
  readonly ports: ServerPorts;
  readonly store: Store;
  readonly localBoots?: LocalBoots;
  readonly clock: Clock;
  readonly log: Log;
}): DhcpAnswers {
  const { standings, book, packets, ports, store, localBoots, clock, log } = deps;
  const networks = [...standings.keys()];
  const searchAgainAtMs = new Map<Network, number>();
  /** What is being written of machines, and whether it was accepted. */
  const writing = new Map<Mac, Promise<boolean>>();

  async function receive(ear: Ear, bytes: Uint8Array, from: RemoteInfo): Promise<void> {
    const result = readDhcp(bytes);
    if (result.kind === "malformed") {
      ear.standing.received += 1;
      count(ear.standing.malformed, result.fault);
      const facts = { network: ear.standing.network.name, from: from.address, fault: result.fault };
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
      const facts = { from: from.address, giaddr: formatIpv4(packet.giaddr), mac };
      log("debug", "DHCP request not answered", { ...facts, why: "foreignNetwork" });
      return;
    }
    const atMs = clock.nowMs();
    const sent = await answer({ ear, standing, packet, mac, from });
    const id = mac === undefined ? undefined : store.byMac(mac)?.id;
    if (id === undefined) return;
    const [ours, theirs] = [
      { address: ear.address, port: ear.port },
      { address: from.address, port: from.port },
    ];
    packets.note(id, { atMs, direction: "in", protocol: "dhcp", source: theirs, destination: ours, bytes });
    if (sent === undefined) return;
    packets.note(id, { ...sent, direction: "out", protocol: "dhcp" });
  }

  /** Decides and carries out; what was sent, if anything was. */
  async function answer(asked: {
    readonly ear: Ear;
    readonly standing: Standing;
    readonly packet: DhcpPacket;
    readonly mac: Mac | undefined;
    readonly from: RemoteInfo;
  }): Promise<Sent | undefined> {
    const { ear, standing, packet, mac, from } = asked;
    const address = ear.port === 4011 ? parseIpv4(from.address) : undefined;
    const decision = await decide(standing, packet, mac, address && { address, port: from.port });
    const facts = { network: standing.network.name, mac };
    switch (decision.kind) {
      case "declined":
        await noteDecline(standing.network, decision);
        return undefined;
      case "silence":
        count(standing.unanswered, decision.why);
        if (decision.why === "poolExhausted") notePoolExhausted(standing, decision.size, deps);
        if (decision.why === "withheld")
          log("info", "DHCP request only listened to", { ...facts, would: decision.would });
        else log("debug", "DHCP request not answered", { ...facts, why: decision.why });
        // Nobody unknown gets a record for asking in vain: invented machines would fill memory and disk.
        // To listen is to see them: there the number is bounded.
        if (
          decision.seen !== undefined &&
          (store.byMac(decision.seen.mac) !== undefined ||
            (decision.why === "withheld" && admitsNewcomer(standing, deps)))
        )
          await store.apply(decision.seen);
        if ("noRouter" in decision) tellNoRouter(ear, decision.noRouter);
        if ("noted" in decision && decision.noted !== undefined) await store.apply(decision.noted);
        return undefined;
      case "reply":
        return await reply({ ear, standing, packet, mac, decision, from });
    }
  }

  /** Core's decision; if the pool is empty, once more when addresses of vanished machines came back. */
  async function decide(
    standing: Standing,
    packet: DhcpPacket,
    mac: Mac | undefined,
    asker4011: Parameters<typeof decideByMode>[2],
  ): Promise<DhcpDecision> {
    const { network } = standing;
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
    const returned = await book.returnVanished(network);
    if (returned === 0) return decision;
    searchAgainAtMs.delete(network);
    log("info", "temporary addresses of vanished machines returned", { network: network.name, addresses: returned });
    return decideByMode(question(), isServed(standing));
  }

  async function noteDecline(network: Network, decision: Extract<DhcpDecision, { kind: "declined" }>): Promise<void> {
    const { mac, address } = decision;
    const dotted = formatIpv4(address);
    book.decline(address);
    const next = `find the host that uses it: arping ${dotted}; birther networks shows what is out of use`;
    log("warn", "address declined: another host uses it", { network: network.name, mac, address: dotted, next });
    const machine = store.byMac(mac);
    if (machine !== undefined) await store.apply({ kind: "addressDeclined", id: machine.id, address: dotted });
  }

  async function reply(of: {
    readonly ear: Ear;
    readonly standing: Standing;
    readonly packet: DhcpPacket;
    readonly mac: Mac | undefined;
    readonly decision: Reply;
    readonly from: RemoteInfo;
  }): Promise<Sent | undefined> {
    const { ear, standing, packet, mac, decision, from } = of;
    const { seen, reserve, local } = decision;
    const machine = mac === undefined ? undefined : store.byMac(mac);
    if (machine === undefined && seen !== undefined && !admitsNewcomer(standing, deps)) return undefined;
    if (mac !== undefined && local !== undefined) localBoots?.keep(mac, local);
    if (mac !== undefined && reserve !== undefined) {
      if (book.holderFor(mac)(reserve) === undefined) notePoolServes(standing, deps);
      const { dhcpMessageType, ipAddressLeaseTime = 0 } = decision.reply.options;
      book.promise(reserve, mac, dhcpMessageType === "ack" ? ipAddressLeaseTime * 1000 : offerMs);
    }
    const newToRecord =
      machine === undefined || (seen?.address !== undefined && seen.address !== machine.temporaryAddress);
    if (seen !== undefined && newToRecord) {
      const written = record(seen);
      // An offer may be sooner than the disk: it promises nothing but what the address book keeps.
      const mayWait = decision.reply.options.dhcpMessageType !== "offer" || !isInMemory(seen);
      if (mayWait && !(await written)) return undefined;
    }
    // What the client may rely on must be durable before it hears it; counting may come after the answer.
    if (mac !== undefined && decision.reply.options.dhcpMessageType === "ack" && (await writing.get(mac)) === false)
      return undefined;
    const sent = send(ear, { ...decision, from }, writeDhcp(decision.reply, replyLimit(packet)));
    tellNoRouter(ear, decision.noRouter);
    standing.answered += 1;
    count(standing.answers, decision.answer.kind);
    log("info", `DHCP ${decision.reply.options.dhcpMessageType}`, {
      ...{ network: standing.network.name, mac, address: formatIpv4(decision.reply.yiaddr) },
      answer: decision.answer.kind,
    });
    if (seen !== undefined && !newToRecord) await store.apply(seen);
    return sent;
  }

  /** Begins to write what is new to a record; resolves with whether it was accepted and is durable. Never rejects. */
  function record(seen: NonNullable<Reply["seen"]>): Promise<boolean> {
    if (writing.size >= waitingLimit) return Promise.resolve(false);
    const written = writeDown(seen).finally(() => {
      if (writing.get(seen.mac) === written) writing.delete(seen.mac);
    });
    writing.set(seen.mac, written);
    return written;
  }

  async function writeDown(seen: NonNullable<Reply["seen"]>): Promise<boolean> {
    try {
      const outcome = await store.apply(seen);
      if (outcome.kind === "changed") return true;
      const { kind: why, message } = outcome.refusal;
      log("warn", "DHCP request not answered", { mac: seen.mac, why, message });
    } catch (error) {
      log("error", "DHCP request not answered", { mac: seen.mac, why: "notRecorded", error: String(error) });
    }
    return false;
  }

  /** The store decides in memory at once, and only then writes (core/ports.ts). */
  function isInMemory({ mac, address }: NonNullable<Reply["seen"]>): boolean {
    const machine = store.byMac(mac);
    return machine !== undefined && (address === undefined || machine.temporaryAddress === address);
  }

  function tellNoRouter({ frames }: Ear, mac: Mac | undefined): void {
    if (frames !== undefined && mac !== undefined) frames.send(noRouterAdvertisement(frames.mac, mac), mac);
  }

  function send(
    ear: Ear,
    { destination, reply, from }: Reply & { readonly from: RemoteInfo },
    bytes: Uint8Array,
  ): Sent {
    const port = destination.port === "source" ? from.port : destination.port;
    const atMs = clock.nowMs();
    if (destination.kind === "hardware") {
      const source = { address: reply.options.serverIdentifier ?? noAddress, port: ear.port };
      if (ear.frames?.send(udpPacket({ source, destination, payload: bytes }), destination.mac)) {
        const sender = { ...source, address: formatIpv4(source.address) };
        return { atMs, source: sender, destination: { address: formatIpv4(destination.address), port }, bytes };
      }
    }
    const address = reachableAddress(destination);
    ear.socket.send(bytes, port, address, (error) => {
      if (error !== null) log("warn", "DHCP reply not sent", { address, error: error.message });
    });
    return { atMs, source: { address: ear.address, port: ear.port }, destination: { address, port }, bytes };
  }

  return receive;
}

type Sent = {
  readonly atMs: number;
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
  readonly bytes: Uint8Array;
};

/**
 * Where a datagram socket can send to. A client without its address answers no ARP, so what cannot be sent to its
 * hardware address is broadcast: EDK2, iPXE and the systems we know take it (netboot.md §5; Q14).
 */
function reachableAddress(destination: Destination): string {
  const direct = destination.kind === "relay" || destination.kind === "client";
  return direct ? formatIpv4(destination.address) : "255.255.255.255";
}
