import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { broadcastFlag, type DhcpPacket } from "../../core/dhcp/codec/packet.ts";
import { readDhcp } from "../../core/dhcp/codec/read.ts";
import { writeDhcp } from "../../core/dhcp/codec/write.ts";
import {
  type ForeignServer,
  type ForeignStep,
  startForeignWatch,
  stepForeignWatch,
} from "../../core/dhcp/foreign-server.ts";
import { formatIpv4, type Ipv4, noAddress } from "../../core/net/ipv4.ts";
import { type Mac, macToBytes } from "../../core/net/mac.ts";
import type { Network } from "../../core/network/network.ts";
import { strandedByNextServer } from "../../core/network/next-server.ts";
import type { Clock, Log } from "../../core/ports.ts";
import { openUdpSocket } from "../socket/device-socket.ts";

/** Another DHCP server, for operators; with its MAC address if it is on the same wire. */
export type ForeignNamed = ForeignServer & { readonly mac?: string };

/** Listens for other DHCP servers on a wire, and decides whether the network is served. */
export type ForeignWatcher = AsyncDisposable & {
  readonly served: () => boolean;
  readonly foreign: () => ForeignNamed | undefined;
};

/** The client of our probes: locally administered, always the same, so that probes do not exhaust a pool. */
const probeMac = macToBytes("02:00:5e:b1:00:fe" as Mac);

/** Starts to listen on a local network's interface; resolves when it is known whether the network is served now. */
export async function watchForeignServers(deps: {
  readonly network: Network & { readonly interface: string };
  /** Our own server identifiers, of all networks. */
  readonly ours: ReadonlySet<Ipv4>;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<ForeignWatcher> {
  const { network, ours, clock, log } = deps;
  const allowed = network.mode !== "full" || network.allowForeignDhcp;
  // Servers reply to a client, so this is a client's port.
  const socket = await openUdpSocket({ interface: network.interface, port: 68 });
  const settled = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  let mac: string | undefined;
  let step: ForeignStep = startForeignWatch(allowed, clock.nowMs());

  const runStep = (before: ForeignStep["state"]): void => {
    const { state, probe, wakeAtMs } = step;
    if (probe) send(discover());
    clearTimeout(timer);
    if (wakeAtMs !== undefined) timer = setTimeout(tell, Math.max(1, wakeAtMs - clock.nowMs()), { kind: "woken" });
    if (state.kind !== "probing") settled.resolve();
    if (state.kind === "serving" && before.kind === "stopped")
      log("info", "the other DHCP server is gone; the network is served again", { network: network.name });
  };
  const tell = (event: Parameters<typeof stepForeignWatch>[1]): void => {
    const before = step.state;
    step = stepForeignWatch(before, event, { allowed, nowMs: clock.nowMs() });
    runStep(before);
  };
  const send = (packet: DhcpPacket): void =>
    socket.send(writeDhcp(packet), 67, "255.255.255.255", (error) => {
      if (error !== null)
        log("warn", "sending a probe for other DHCP servers failed", { network: network.name, error: error.message });
    });

  socket.on("message", (bytes, from) => {
    const result = readDhcp(bytes);
    if (result.kind === "malformed" || result.packet.op !== 2) return;
    const { serverIdentifier, dhcpMessageType } = result.packet.options;
    // ProxyDHCP servers lease nothing; they offer no address.
    const leases = dhcpMessageType === "nak" || result.packet.yiaddr !== noAddress;
    if (serverIdentifier === undefined || ours.has(serverIdentifier) || !leases) return;
    const known = "foreign" in step.state ? step.state.foreign?.address : undefined;
    tell({ kind: "heard", address: serverIdentifier });
    if (known === serverIdentifier) return;
    mac = undefined;
    const stranded = dhcpMessageType === "nak" ? undefined : strandedByNextServer(network, result.packet.siaddr, ours);
    if (stranded !== undefined) log("warn", stranded.message, { network: network.name, next: stranded.next });
    name(serverIdentifier, from.address).catch((error: unknown) =>
      log("error", "recording another DHCP server failed", { error: String(error) }),
    );
  });
  socket.on("error", (error) => log("error", "DHCP watch failed", { network: network.name, error: error.message }));

  /** Makes the kernel resolve its MAC address by sending a datagram to the discard port. */
  async function name(server: Ipv4, from: string): Promise<void> {
    socket.send(new Uint8Array(), 9, from);
    for (let tries = 0; tries < 10 && mac === undefined; tries += 1) {
      await wait(50, undefined, { ref: false });
      mac = hardwareAddress(await readFile("/proc/net/arp", "utf8"), from);
    }
    const facts = { network: network.name, interface: network.interface, server: formatIpv4(server), from, mac };
    if (network.mode !== "full") log("info", "found the DHCP server that leases the addresses", facts);
    else if (allowed) log("warn", "another DHCP server is on this network, as the configuration allows", facts);
    else log("error", "the network is not served, because another DHCP server is on it", { ...facts, next: remedy });
  }

  runStep(step.state);
  await settled.promise;
  return {
    served: () => step.state.kind === "serving",
    foreign: () => {
      const foreign = "foreign" in step.state ? step.state.foreign : undefined;
      return foreign && { ...foreign, ...(mac === undefined ? {} : { mac }) };
    },
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

/** What an operator can do about another server. */
export const remedy =
  "stop that server, or set mode: proxy to work beside it, or allowForeignDhcp: true for this network";

/** Reads /proc/net/arp: a title line, then lines `ADDRESS TYPE FLAGS MAC MASK DEVICE`. */
function hardwareAddress(table: string, address: string): string | undefined {
  for (const line of table.split("\n")) {
    const [of, , , mac] = line.split(/\s+/);
    if (of === address && mac !== undefined && mac !== "00:00:00:00:00:00") return mac;
  }
  return undefined;
}

function discover(): DhcpPacket {
  return {
    ...{ op: 1, htype: 1, hlen: 6, hops: 0, xid: randomBytes(4).readUInt32BE(), secs: 0, flags: broadcastFlag },
    ...{ ciaddr: noAddress, yiaddr: noAddress, siaddr: noAddress, giaddr: noAddress, sname: "", file: "" },
    chaddr: Uint8Array.of(...probeMac, ...new Uint8Array(10)),
    options: { dhcpMessageType: "discover", parameterRequestList: [1, 3] },
    otherOptions: new Map(),
  };
}
