import { readFileSync } from "node:fs";
import type { DhcpPacket } from "../../src/core/dhcp/codec/packet.ts";
import { readDhcp } from "../../src/core/dhcp/codec/read.ts";
import { framesOf, udpPayloadsTo } from "./pcap.ts";

/** The DISCOVER that a firmware sent: the first of `tests/captures/NAME-discover.pcap`. Throws if there is none. */
export function capturedDiscover(name: string): DhcpPacket {
  const file = readFileSync(new URL(`../captures/${name}-discover.pcap`, import.meta.url));
  const [payload] = udpPayloadsTo(67, framesOf(file));
  if (payload === undefined) throw new Error(`test: expected a DHCP packet in the capture ${name}, found none`);
  const result = readDhcp(payload);
  if (result.kind === "packet") return result.packet;
  throw new Error(`test: expected a DHCP packet in the capture ${name}, found one with ${result.fault}`);
}
