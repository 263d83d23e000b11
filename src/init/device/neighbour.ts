import * as host from "host";
import { lldpEtherType } from "../../core/lldp/lldpdu.ts";
import { neighbourOf } from "../../core/lldp/neighbour.ts";
import { readLldp } from "../../core/lldp/read.ts";
import { writeLldp } from "../../core/lldp/write.ts";
import type { Mac } from "../../core/net/mac.ts";
import type { Log } from "../../core/ports.ts";
import { type Neighbour, neighbourLimit } from "../../core/site/placement.ts";

/** How long the switch may keep us as a neighbour. */
const ttlSeconds = 120;
/**
 * A switch that sees a new neighbour announces itself at once (IEEE 802.1AB-2016 §9.1.1, fast start), so we send first.
 */
const speakEveryMs = 5000;
/** How long another neighbour may still contradict the one that a rule matches. */
const contradictionMs = 1000;

/**
 * An LLDP listener on a NIC. The kernel keeps frames from the moment it is opened, so reading them later costs no time.
 */
export type LldpListener = {
  /** All neighbours heard, each once: until `isPlace` holds for one and a moment has passed for others, or the time is over. */
  readonly listen: (seconds: number, isPlace: (neighbour: Neighbour) => boolean) => readonly Neighbour[];
};

/** Starts to listen, and announces this machine. */
export function listenForLldp(nic: string, mac: Mac, systemName: string, log: Log): LldpListener {
  const socket = host.packetOpen(nic, lldpEtherType);
  const ours = writeLldp(
    { chassis: { kind: "mac", text: mac }, port: { kind: "mac", text: mac }, ttlSeconds, systemName },
    mac,
  );
  const speak = () => host.packetSend(socket, ours.slice().buffer);
  speak();

  const listen: LldpListener["listen"] = (seconds, isPlace) => {
    let endMs = host.monotonicMs() + seconds * 1000;
    const heard = new Map<string, Neighbour>();
    for (let nowMs = host.monotonicMs(); nowMs < endMs; nowMs = host.monotonicMs()) {
      const frame = host.packetReceive(socket, Math.min(speakEveryMs, endMs - nowMs));
      if (frame === undefined) {
        speak();
        continue;
      }
      const reading = readLldp(new Uint8Array(frame));
      if (reading.kind === "unreadable") {
        log("warn", "ignored an invalid LLDP frame", { reason: reading.reason });
      } else if (reading.sender !== mac && reading.lldpdu.ttlSeconds > 0) {
        const neighbour = neighbourOf(reading.lldpdu);
        const key = JSON.stringify(neighbour);
        if (heard.has(key) || heard.size >= neighbourLimit) continue;
        heard.set(key, neighbour);
        if (isPlace(neighbour)) endMs = Math.min(endMs, host.monotonicMs() + contradictionMs);
      }
    }
    return [...heard.values()];
  };
  return { listen };
}
