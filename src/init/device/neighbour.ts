import * as host from "host";
import { lldpEtherType } from "../../core/lldp/lldpdu.ts";
import { neighbourOf } from "../../core/lldp/neighbour.ts";
import { readLldp } from "../../core/lldp/read.ts";
import { writeLldp } from "../../core/lldp/write.ts";
import type { Mac } from "../../core/net/mac.ts";
import type { Log } from "../../core/ports.ts";
import type { Neighbour } from "../../core/site/placement.ts";

/** How long the switch may keep us as a neighbour. */
const ttlSeconds = 120;
/**
 * A switch that sees a new neighbour announces itself at once (IEEE 802.1AB-2016 §9.1.1, fast start), so we send first.
 */
const speakEveryMs = 5000;

/**
 * An LLDP listener on a NIC. The kernel keeps frames from the moment it is opened, so reading them later costs no time.
 */
export type LldpListener = { readonly listen: (seconds: number) => Neighbour | undefined };

/** Starts to listen, and announces this machine. */
export function listenForLldp(nic: string, mac: Mac, systemName: string, log: Log): LldpListener {
  const socket = host.packetOpen(nic, lldpEtherType);
  const ours = writeLldp(
    { chassis: { kind: "mac", text: mac }, port: { kind: "mac", text: mac }, ttlSeconds, systemName },
    mac,
  );
  const speak = () => host.packetSend(socket, ours.slice().buffer);
  speak();

  function listen(seconds: number): Neighbour | undefined {
    const endMs = host.monotonicMs() + seconds * 1000;
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
        return neighbourOf(reading.lldpdu);
      }
    }
    return undefined;
  }
  return { listen };
}
