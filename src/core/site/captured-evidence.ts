import { uint8At, uint16At } from "../bytes/big-endian.ts";
import { readDhcp } from "../dhcp/codec/read.ts";
import { relayPortOf } from "../dhcp/relay-port.ts";
import { lldpEtherType } from "../lldp/lldpdu.ts";
import { neighbourOf } from "../lldp/neighbour.ts";
import { readLldp } from "../lldp/read.ts";
import { withoutVlanTag } from "../net/vlan-tag.ts";
import type { PlaceEvidence } from "./place-sources.ts";
import { type Neighbour, neighbourLimit, type RelayPort } from "./placement.ts";

const ipv4EtherType = 0x0800;
const udpProtocol = 17;
const serverPort = 67;
const ethernetBytes = 14;

/** What captured frames say of a place: each LLDP neighbour once, and the port of the last DHCP request with option 82. */
export type CapturedEvidence = Pick<PlaceEvidence, "neighbours" | "relay"> & {
  /** Why LLDP frames were not read. */
  readonly faults: readonly string[];
};

/** Reads LLDP frames and DHCP requests; other frames say nothing of a place. */
export function capturedEvidence(frames: readonly Uint8Array[]): CapturedEvidence {
  const neighbours = new Map<string, Neighbour>();
  const faults: string[] = [];
  let relay: RelayPort | undefined;
  for (const captured of frames) {
    const { frame } = withoutVlanTag(captured);
    const type = frame.length < ethernetBytes ? 0 : uint16At(frame, 12);
    if (type === lldpEtherType) {
      const reading = readLldp(captured);
      if (reading.kind === "unreadable") faults.push(reading.reason);
      else if (reading.lldpdu.ttlSeconds > 0 && neighbours.size < neighbourLimit) {
        const neighbour = neighbourOf(reading.lldpdu);
        neighbours.set(JSON.stringify(neighbour), neighbour);
      }
    } else if (type === ipv4EtherType) relay = relayIn(frame) ?? relay;
  }
  return { neighbours: [...neighbours.values()], faults, ...(relay === undefined ? {} : { relay }) };
}

function relayIn(frame: Uint8Array): RelayPort | undefined {
  if (frame.length < ethernetBytes + 20 || uint8At(frame, ethernetBytes + 9) !== udpProtocol) return undefined;
  const udp = frame.subarray(ethernetBytes + (uint8At(frame, ethernetBytes) & 15) * 4);
  if (udp.length < 8 || uint16At(udp, 2) !== serverPort) return undefined;
  const reading = readDhcp(udp.subarray(8, Math.max(8, uint16At(udp, 4))));
  return reading.kind === "malformed" ? undefined : relayPortOf(reading.packet);
}
