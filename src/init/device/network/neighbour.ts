import * as host from "host";
import { lldpEtherType } from "../../../core/lldp/lldpdu.ts";
import { neighbourOf } from "../../../core/lldp/neighbour.ts";
import { readLldp } from "../../../core/lldp/read.ts";
import { writeLldp } from "../../../core/lldp/write.ts";
import type { Mac } from "../../../core/net/mac.ts";
import type { Log } from "../../../core/ports.ts";
import { type Neighbour, neighbourLimit } from "../../../core/site/placement.ts";

/** How long the switch may keep us as a neighbour. */
const ttlSeconds = 120;
/**
 * A switch that sees a new neighbour announces itself at once (IEEE 802.1AB-2016 §9.1.1, fast start), so we send first.
 */
const speakEveryMs = 5000;
/** How long another neighbour may still contradict the one that a rule matches. */
const contradictionMs = 1000;

/** Frames that are read in one look without waiting; a loop of the network sends them without end. */
const framesAtOnce = 200;

/** Invalid frames that are logged; a host that sends them without end must not drown the log. */
const maxLogged = 3;

/**
 * An LLDP listener on a NIC. The kernel keeps frames from the moment it is opened, so reading them later costs no time.
 */
export type LldpListener = {
  /** All neighbours heard so far, without waiting. */
  readonly heard: (isPlace: (neighbour: Neighbour) => boolean) => readonly Neighbour[];
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
  let spokeMs = 0;
  const speak = () => {
    host.packetSend(socket, ours.slice().buffer);
    spokeMs = host.monotonicMs();
  };
  speak();

  const found = new Map<string, Neighbour>();
  let invalid = 0;
  /** Takes a frame; whether it is of a neighbour that was not heard before and that a rule matches. */
  function take(frame: ArrayBuffer, isPlace: (neighbour: Neighbour) => boolean): boolean {
    const reading = readLldp(new Uint8Array(frame));
    if (reading.kind === "unreadable") {
      invalid += 1;
      if (invalid <= maxLogged) log("warn", "ignored an invalid LLDP frame", { reason: reading.reason });
      return false;
    }
    if (reading.sender === mac || reading.lldpdu.ttlSeconds === 0) return false;
    const neighbour = neighbourOf(reading.lldpdu);
    const key = JSON.stringify(neighbour);
    if (found.has(key)) return false;
    const isHere = isPlace(neighbour);
    if (found.size >= neighbourLimit && !(isHere && dropOther(found, isPlace))) return false;
    found.set(key, neighbour);
    return isHere;
  }

  const heard: LldpListener["heard"] = (isPlace) => {
    for (let frames = 0; frames < framesAtOnce; frames += 1) {
      const frame = host.packetReceive(socket, 0);
      if (frame === undefined) break;
      take(frame, isPlace);
    }
    return [...found.values()];
  };

  const listen: LldpListener["listen"] = (seconds, isPlace) => {
    const startMs = host.monotonicMs();
    const wasHeard = [...found.values()].some(isPlace);
    let endMs = startMs + (wasHeard ? Math.min(contradictionMs, seconds * 1000) : seconds * 1000);
    for (let nowMs = startMs; nowMs < endMs; nowMs = host.monotonicMs()) {
      const quietMs = Math.max(0, spokeMs + speakEveryMs - nowMs);
      if (quietMs === 0) speak();
      const frame = host.packetReceive(socket, Math.min(quietMs === 0 ? speakEveryMs : quietMs, endMs - nowMs));
      if (frame !== undefined && take(frame, isPlace)) endMs = Math.min(endMs, host.monotonicMs() + contradictionMs);
    }
    if (invalid > maxLogged) log("warn", "ignored more invalid LLDP frames", { count: invalid });
    return [...found.values()];
  };
  return { heard, listen };
}

/** Drops a neighbour that no rule matches, so that invented ones do not keep out the switch; false if there is none. */
function dropOther(heard: Map<string, Neighbour>, isPlace: (neighbour: Neighbour) => boolean): boolean {
  for (const [key, neighbour] of heard) if (!isPlace(neighbour)) return heard.delete(key);
  return false;
}
