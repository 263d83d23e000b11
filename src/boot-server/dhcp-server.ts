import { once } from "node:events";
import { hexFromBytes } from "../core/bytes/text.ts";
import type { Holder } from "../core/dhcp/address-pool.ts";
import type { Destination } from "../core/dhcp/destination.ts";
import { clientMac } from "../core/dhcp/packet.ts";
import { readDhcp } from "../core/dhcp/read.ts";
import { replyLimit } from "../core/dhcp/reply.ts";
import { type Reservations, reserveDeclined, reservedFor, reserveOffer } from "../core/dhcp/reservations.ts";
import { writeDhcp } from "../core/dhcp/write.ts";
import { formatIpv4, type Ipv4 } from "../core/net/ipv4.ts";
import type { Mac } from "../core/net/mac.ts";
import type { Clock, Log, Store } from "../core/ports.ts";
import { type DhcpDecision, decideDhcp } from "../core/pxe/decide.ts";
import type { Network, ServerPorts } from "../core/pxe/network.ts";
import { openDeviceSocket } from "./device-socket.ts";

/** Machines whose first record is being written; more are left to their next attempt, 4 s later. */
const waitingLimit = 4096;

/** Answers DHCP and PXE on one network until it is disposed of. */
export async function startDhcpServer(deps: {
  readonly network: Network;
  readonly ports: ServerPorts;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<AsyncDisposable> {
  const { network, ports, store, clock, log } = deps;
  const socket = await openDeviceSocket(network.interface, 67);
  const reservations: Reservations = new Map();
  let waiting = 0;

  function holderFor(mac: Mac | undefined): (address: Ipv4) => Holder | undefined {
    return (address) => {
      const reserved = reservedFor(reservations, address, clock.nowMs());
      if (reserved?.kind === "declined") return reserved;
      const recorded = store.find(formatIpv4(address));
      if (recorded === undefined) return reserved;
      const [first] = recorded.macs;
      const holder = mac !== undefined && recorded.macs.includes(mac) ? mac : first;
      return holder === undefined ? reserved : { kind: "machine", mac: holder };
    };
  }

  async function receive(bytes: Uint8Array): Promise<void> {
    const result = readDhcp(bytes);
    if (result.kind === "malformed") {
      log("debug", "malformed DHCP packet", { network: network.name, fault: result.fault, bytes: hexFromBytes(bytes) });
      return;
    }
    const { packet } = result;
    const mac = clientMac(packet);
    const machine = mac === undefined ? undefined : store.byMac(mac);
    const decision = decideDhcp({ packet, network, ports, machine, holderOf: holderFor(mac) });
    if (decision.kind === "declined") {
      reserveDeclined(reservations, decision.address, clock.nowMs());
      log("warn", "address declined: another host uses it", {
        network: network.name,
        mac,
        address: formatIpv4(decision.address),
      });
      return;
    }
    if (decision.kind === "silence") {
      const level = decision.why === "poolExhausted" ? "warn" : "debug";
      log(level, "DHCP request not answered", { network: network.name, mac, why: decision.why });
      if (decision.seen !== undefined) await store.apply(decision.seen);
      return;
    }
    if (mac !== undefined && decision.reserve !== undefined)
      reserveOffer(reservations, decision.reserve, mac, clock.nowMs());
    const newToRecord =
      machine === undefined ||
      (decision.seen?.address !== undefined && decision.seen.address !== machine.temporaryAddress);
    // What the record does not say yet must be durable before the client hears it; counting may come after the answer.
    if (decision.seen !== undefined && newToRecord && !(await recorded(decision.seen))) return;
    send(decision, writeDhcp(decision.reply, replyLimit(packet)));
    if (decision.seen !== undefined && !newToRecord) await store.apply(decision.seen);
  }

  async function recorded(seen: NonNullable<Extract<DhcpDecision, { kind: "reply" }>["seen"]>): Promise<boolean> {
    if (waiting >= waitingLimit) return false;
    waiting += 1;
    try {
      const outcome = await store.apply(seen);
      if (outcome.kind === "changed") return true;
      log("warn", "DHCP request not answered", {
        mac: seen.mac,
        why: outcome.refusal.kind,
        message: outcome.refusal.message,
      });
      return false;
    } finally {
      waiting -= 1;
    }
  }

  function send(decision: Extract<DhcpDecision, { kind: "reply" }>, bytes: Uint8Array): void {
    const { port } = decision.destination;
    const address = reachableAddress(decision.destination);
    socket.send(bytes, port, address, (error) => {
      if (error !== null) log("warn", "DHCP reply not sent", { network: network.name, address, error: error.message });
    });
    const { reply, answer } = decision;
    const { dhcpMessageType: type } = reply.options;
    const facts = {
      network: network.name,
      mac: clientMac(reply),
      address: formatIpv4(reply.yiaddr),
      answer: answer.kind,
    };
    log("info", `DHCP ${type}`, facts);
  }

  socket.on("message", (bytes) => {
    receive(bytes).catch((error: unknown) =>
      log("error", "DHCP request failed", { network: network.name, error: String(error) }),
    );
  });
  socket.on("error", (error) => log("error", "DHCP socket failed", { network: network.name, error: error.message }));
  log("info", "DHCP server listens", { network: network.name, interface: network.interface, nursery: network.nursery });
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

/**
 * Where a datagram socket can send to. A client without its address answers no ARP, so what RFC 2131 would send to its
 * hardware address is broadcast: EDK2, iPXE and the systems we know take it (netboot.md §5; Q14).
 */
function reachableAddress(destination: Destination): string {
  const direct = destination.kind === "relay" || destination.kind === "client";
  return direct ? formatIpv4(destination.address) : "255.255.255.255";
}
