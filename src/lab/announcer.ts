import { type Lldpdu, lldpEtherType, lldpGroup } from "../core/lldp/lldpdu.ts";
import { writeLldp } from "../core/lldp/write.ts";
import { type Mac, macToBytes } from "../core/net/mac.ts";
import type { Log } from "../core/ports.ts";
import type { PortVoice } from "./machine-spec.ts";
import { interfaceIndex, openPacketSocket } from "./packet-socket.ts";

/** Who the switch says it is, as a real top-of-rack switch would. */
export type SwitchIdentity = { readonly systemName: string; readonly chassis: Mac };

export type AnnouncedPort = { readonly tap: string; readonly port: string; readonly voice: PortVoice };

/** How a port stands: what it says, and when it last said it. */
export type PortTurn = { readonly frame: Uint8Array | undefined; readonly sentAtMs: number };

/** Real switches say it every 30 s; a second costs nothing here and saves each birth half a minute (802.1AB §9.2.5.6). */
const intervalMs = 1000;
const ttlSeconds = 120;
const pollMs = 50;

/** Whether a port is to speak now: its second is over, or a new neighbour was just heard (fast start, 802.1AB §9.2.5.21). */
export function isDue(turn: PortTurn, heard: boolean, nowMs: number): boolean {
  return turn.frame !== undefined && (heard || nowMs - turn.sentAtMs >= intervalMs);
}

/** The frame that a port sends, or undefined if it is to stay silent. */
export function portFrame(identity: SwitchIdentity, port: string, voice: PortVoice): Uint8Array | undefined {
  if (voice.kind === "silent") return undefined;
  const said = voice.kind === "foreign" ? voice : { switchName: identity.systemName, port };
  const lldpdu: Lldpdu = {
    chassis: { kind: "mac", text: identity.chassis },
    port: { kind: "interfaceName", text: said.port },
    portDescription: said.port,
    systemName: said.switchName,
    ttlSeconds,
  };
  return writeLldp(lldpdu, identity.chassis);
}

/** Makes every port of the switch speak LLDP until disposed. Needs CAP_NET_RAW in the switch's namespace. */
export function startAnnouncer(identity: SwitchIdentity, ports: readonly AnnouncedPort[], log: Log): Disposable {
  const turns = new Map<number, PortTurn>(
    ports.map(({ tap, port, voice }) => [
      interfaceIndex(tap),
      { frame: portFrame(identity, port, voice), sentAtMs: Number.NEGATIVE_INFINITY },
    ]),
  );
  const packets = openPacketSocket(lldpEtherType, macToBytes(lldpGroup), [...turns.keys()]);
  const timer = setInterval(() => {
    const heard = new Set<number>();
    for (
      let received = packets.receive();
      received !== undefined && heard.size < ports.length;
      received = packets.receive()
    ) {
      heard.add(received.interfaceIndex);
    }
    const nowMs = performance.now();
    for (const [index, turn] of turns) {
      if (turn.frame === undefined || !isDue(turn, heard.has(index), nowMs)) continue;
      packets.send(index, turn.frame);
      turns.set(index, { ...turn, sentAtMs: nowMs });
    }
  }, pollMs);
  log("debug", "switch speaks LLDP", { switch: identity.systemName, ports: ports.length });
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      packets[Symbol.dispose]();
    },
  };
}
