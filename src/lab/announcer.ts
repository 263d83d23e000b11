import { type Lldpdu, lldpEtherType, lldpGroup } from "../core/lldp/lldpdu.ts";
import { writeLldp } from "../core/lldp/write.ts";
import { type Mac, macToBytes } from "../core/net/mac.ts";
import type { Log } from "../core/ports.ts";
import type { PortAnnouncement } from "./machine-spec.ts";
import { interfaceIndex, openPacketSocket } from "./packet-socket.ts";

/** The identity that the switch announces, as a real top-of-rack switch does. */
export type SwitchIdentity = { readonly systemName: string; readonly chassis: Mac };

export type AnnouncedPort = { readonly tap: string; readonly port: string; readonly announcement: PortAnnouncement };

/** The state of a port: the frame that it sends, and when it last sent it. */
export type PortState = { readonly frame: Uint8Array | undefined; readonly sentAtMs: number };

/**
 * Real switches announce every 30 s. One second costs nothing here and saves each birth half a minute (802.1AB
 * §9.2.5.6).
 */
const intervalMs = 1000;
const ttlSeconds = 120;
const pollMs = 50;

/**
 * Whether a port must send now: its interval is over, or a frame of a new neighbour just arrived (fast start, 802.1AB
 * §9.2.5.21).
 */
export function isDue(port: PortState, received: boolean, nowMs: number): boolean {
  return port.frame !== undefined && (received || nowMs - port.sentAtMs >= intervalMs);
}

/** The frame that a port sends, or undefined if it is silent. */
export function portFrame(
  identity: SwitchIdentity,
  port: string,
  announcement: PortAnnouncement,
): Uint8Array | undefined {
  if (announcement.kind === "silent") return undefined;
  const announced = announcement.kind === "foreign" ? announcement : { switchName: identity.systemName, port };
  const lldpdu: Lldpdu = {
    chassis: { kind: "mac", text: identity.chassis },
    port: { kind: "interfaceName", text: announced.port },
    portDescription: announced.port,
    systemName: announced.switchName,
    ttlSeconds,
  };
  return writeLldp(lldpdu, identity.chassis);
}

/** Sends LLDP frames on every port of the switch until disposed. Needs CAP_NET_RAW in the switch's namespace. */
export function startAnnouncer(identity: SwitchIdentity, ports: readonly AnnouncedPort[], log: Log): Disposable {
  const states = new Map<number, PortState>(
    ports.map(({ tap, port, announcement }) => [
      interfaceIndex(tap),
      { frame: portFrame(identity, port, announcement), sentAtMs: Number.NEGATIVE_INFINITY },
    ]),
  );
  const packets = openPacketSocket(lldpEtherType, macToBytes(lldpGroup), [...states.keys()]);
  const timer = setInterval(() => {
    const receivedOn = new Set<number>();
    for (
      let received = packets.receive();
      received !== undefined && receivedOn.size < ports.length;
      received = packets.receive()
    ) {
      receivedOn.add(received.interfaceIndex);
    }
    const nowMs = performance.now();
    for (const [index, port] of states) {
      if (port.frame === undefined || !isDue(port, receivedOn.has(index), nowMs)) continue;
      packets.send(index, port.frame);
      states.set(index, { ...port, sentAtMs: nowMs });
    }
  }, pollMs);
  log("debug", "switch announces LLDP", { switch: identity.systemName, ports: ports.length });
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      packets[Symbol.dispose]();
    },
  };
}
