import { randomBytes } from "node:crypto";
import type { Socket } from "node:dgram";
import { once } from "node:events";
import { broadcastFlag, type DhcpPacket } from "../../core/dhcp/codec/packet.ts";
import { readDhcp } from "../../core/dhcp/codec/read.ts";
import { writeDhcp } from "../../core/dhcp/codec/write.ts";
import {
  type ForeignServer,
  type ForeignStep,
  startForeignWatch,
  stepForeignWatch,
} from "../../core/dhcp/foreign-server.ts";
import { formatIpv4, type Ipv4, noAddress, parseIpv4 } from "../../core/net/ipv4.ts";
import { type Mac, macToBytes } from "../../core/net/mac.ts";
import type { Network } from "../../core/network/network.ts";
import { strandedByNextServer } from "../../core/network/next-server.ts";
import type { Clock, Log } from "../../core/ports.ts";
import { openUdpSocket } from "../socket/device-socket.ts";
import { openAddressProbe } from "./address-probe.ts";

/** Another DHCP server, for operators; with its MAC address if it is on the same wire. */
export type ForeignNamed = ForeignServer & { readonly mac?: string };

/** Listens for other DHCP servers on a wire, and decides whether the network is served. */
export type ForeignWatcher = AsyncDisposable & {
  readonly served: () => boolean;
  readonly foreign: () => ForeignNamed | undefined;
};

/** The client of our probes: locally administered, always the same, so that probes do not exhaust a pool. */
const probeMac = macToBytes("02:00:5e:b1:00:fe" as Mac);

/** Probes whose late answers still count. */
const rememberedProbes = 4;

/** What the watch of a network needs. */
type ForeignWatchDeps = {
  readonly network: Network & { readonly interface: string };
  /** Our own server identifiers, of all networks. */
  readonly ours: ReadonlySet<Ipv4>;
  readonly clock: Clock;
  readonly log: Log;
};

/** Starts to listen on a local network's interface; resolves when it is known whether the network is served now. */
export async function watchForeignServers(deps: ForeignWatchDeps): Promise<ForeignWatcher> {
  // Servers reply to a client, so this is a client's port.
  const socket = await openUdpSocket({ interface: deps.network.interface, port: 68 });
  const watch = new WatchSocket(deps, socket);
  socket.on("message", (bytes, from) => watch.take(bytes, from.address));
  socket.on("error", (error) =>
    deps.log("error", "DHCP watch failed", { network: deps.network.name, error: error.message }),
  );
  await watch.start();
  return {
    served: () => watch.isServed(),
    foreign: () => watch.foreign(),
    [Symbol.asyncDispose]: () => watch.close(),
  };
}

/** Carries out the steps of core/dhcp/foreign-server.ts on a socket, and finds the MAC address of a foreign server. */
class WatchSocket {
  readonly #deps: ForeignWatchDeps;
  readonly #socket: Socket;
  readonly #allowed: boolean;
  readonly #decided = Promise.withResolvers<void>();
  #step: ForeignStep;
  /** Transaction ids of our latest probes, oldest first: nobody who did not receive one can answer it. */
  readonly #transactions: number[] = [];
  #timer: NodeJS.Timeout | undefined;
  #mac: string | undefined;

  constructor(deps: ForeignWatchDeps, socket: Socket) {
    const { network, clock } = deps;
    this.#deps = deps;
    this.#socket = socket;
    this.#allowed = network.mode !== "full" || network.allowForeignDhcp;
    this.#step = startForeignWatch(this.#allowed, clock.monotonicMs());
  }

  /** Resolves when it is known whether the network is served. */
  async start(): Promise<void> {
    this.#execute(this.#step.state);
    await this.#decided.promise;
  }

  isServed(): boolean {
    return this.#step.state.kind === "serving";
  }

  /** With times since 1970: the watch itself counts by the monotonic clock, which nobody sets. */
  foreign(): ForeignNamed | undefined {
    const { clock } = this.#deps;
    const { state } = this.#step;
    const foreign = "foreign" in state ? state.foreign : undefined;
    if (foreign === undefined) return undefined;
    const aheadMs = clock.nowMs() - clock.monotonicMs();
    const times = { sinceMs: Math.round(foreign.sinceMs + aheadMs), lastMs: Math.round(foreign.lastMs + aheadMs) };
    return { ...foreign, ...times, ...(this.#mac === undefined ? {} : { mac: this.#mac }) };
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }

  /** Processes a datagram to port 68. */
  take(bytes: Uint8Array, from: string): void {
    const { network, ours, log } = this.#deps;
    const result = readDhcp(bytes);
    if (result.kind === "malformed" || result.packet.op !== 2) return;
    const { serverIdentifier, dhcpMessageType } = result.packet.options;
    // ProxyDHCP servers lease nothing; they offer no address.
    const leases = dhcpMessageType === "nak" || result.packet.yiaddr !== noAddress;
    const sender = parseIpv4(from);
    if (serverIdentifier === undefined || ours.has(serverIdentifier) || !leases) return;
    if (sender === undefined || ours.has(sender)) return;
    const { xid, chaddr } = result.packet;
    const answersProbe = this.#transactions.includes(xid) && probeMac.every((byte, n) => byte === chaddr[n]);
    if (!answersProbe) {
      this.#advance({ kind: "hinted" });
      return;
    }
    const { state } = this.#step;
    const known = "foreign" in state ? state.foreign?.address : undefined;
    this.#advance({ kind: "heard", address: serverIdentifier });
    if (known === serverIdentifier) return;
    this.#mac = undefined;
    const stranded = dhcpMessageType === "nak" ? undefined : strandedByNextServer(network, result.packet.siaddr, ours);
    if (stranded !== undefined) log("warn", stranded.message, { network: network.name, next: stranded.next });
    this.#identify(serverIdentifier, from).catch((error: unknown) =>
      log("error", "recording another DHCP server failed", { error: String(error) }),
    );
  }

  #advance(event: Parameters<typeof stepForeignWatch>[1]): void {
    const before = this.#step.state;
    this.#step = stepForeignWatch(before, event, { allowed: this.#allowed, nowMs: this.#deps.clock.monotonicMs() });
    this.#execute(before);
  }

  #execute(before: ForeignStep["state"]): void {
    const { network, clock, log } = this.#deps;
    const { state, probe, wakeAtMs } = this.#step;
    if (probe) this.#probe();
    clearTimeout(this.#timer);
    if (wakeAtMs !== undefined)
      this.#timer = setTimeout(() => this.#advance({ kind: "woken" }), Math.max(1, wakeAtMs - clock.monotonicMs()));
    if (state.kind !== "probing") this.#decided.resolve();
    if (state.kind === "serving" && before.kind === "stopped")
      log("info", "the other DHCP server is gone; the network is served again", { network: network.name });
  }

  #probe(): void {
    const xid = randomBytes(4).readUInt32BE();
    this.#transactions.push(xid);
    if (this.#transactions.length > rememberedProbes) this.#transactions.shift();
    this.#send(discover(xid));
  }

  #send(packet: DhcpPacket): void {
    const { network, log } = this.#deps;
    this.#socket.send(writeDhcp(packet), 67, "255.255.255.255", (error) => {
      if (error !== null)
        log("warn", "sending a probe for other DHCP servers failed", { network: network.name, error: error.message });
    });
  }

  /** Finds the server's MAC address and logs the server. */
  async #identify(server: Ipv4, from: string): Promise<void> {
    const { network, log } = this.#deps;
    const source = parseIpv4(from);
    using probe = openAddressProbe(network.interface);
    this.#mac = source === undefined ? undefined : await probe.hostAt(source);
    const address = formatIpv4(server);
    const facts = { network: network.name, interface: network.interface, server: address, from, mac: this.#mac };
    if (network.mode !== "full") log("info", "found the DHCP server that leases the addresses", facts);
    else if (this.#allowed) log("warn", "another DHCP server is on this network, as the configuration allows", facts);
    else
      log("error", "unknown machines are not served, because another DHCP server is on the network", {
        ...facts,
        next: remedy,
      });
  }
}

/** What an operator can do about another server. */
export const remedy =
  "stop that server, or set mode: proxy to work beside it, or allowForeignDhcp: true for this network";

function discover(xid: number): DhcpPacket {
  return {
    ...{ op: 1, htype: 1, hlen: 6, hops: 0, xid, secs: 0, flags: broadcastFlag },
    ...{ ciaddr: noAddress, yiaddr: noAddress, siaddr: noAddress, giaddr: noAddress, sname: "", file: "" },
    chaddr: Uint8Array.of(...probeMac, ...new Uint8Array(10)),
    options: { dhcpMessageType: "discover", parameterRequestList: [1, 3] },
    otherOptions: new Map(),
  };
}
