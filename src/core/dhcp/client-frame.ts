import { uint8At, uint16At } from "../bytes/big-endian.ts";
import { createBuilder, finishedBytes, putBytes, putUnsigned } from "../bytes/builder.ts";
import { broadcastAddress, type Ipv4, noAddress } from "../net/ipv4.ts";
import { type Mac, macToBytes } from "../net/mac.ts";
import { udpPacket } from "../net/pcap.ts";
import type { DhcpOptions } from "./codec/option-table.ts";
import { broadcastFlag, type DhcpPacket } from "./codec/packet.ts";
import { readDhcp } from "./codec/read.ts";
import { writeDhcp } from "./codec/write.ts";

/** The Ethernet type of IPv4. */
export const ipv4EtherType = 0x0800;

const ethernetBytes = 14;
const udpProtocol = 17;
const clientPort = 68;
const serverPort = 67;

/** A message of a client that has no address yet and hears broadcasts only. */
export function clientMessage(mac: Mac, xid: number, options: DhcpOptions): DhcpPacket {
  const chaddr = new Uint8Array(16);
  chaddr.set(macToBytes(mac));
  return {
    ...{ op: 1, htype: 1, hlen: 6, hops: 0, xid, secs: 0, flags: broadcastFlag },
    ...{ ciaddr: noAddress, yiaddr: noAddress, siaddr: noAddress, giaddr: noAddress },
    ...{ chaddr, sname: "", file: "", options, otherOptions: new Map() },
  };
}

/** Tells the server of a lease that another host uses its address (RFC 2131 §4.4.4 and table 5). */
export function declineMessage(
  mac: Mac,
  xid: number,
  { address, server }: { readonly address: Ipv4; readonly server: Ipv4 },
): DhcpPacket {
  const options = { dhcpMessageType: "decline", requestedIpAddress: address, serverIdentifier: server } as const;
  return clientMessage(mac, xid, options);
}

/** The Ethernet frame of a DHCP message from a host that has no address yet, to everyone (RFC 2131 §4.1). */
export function clientFrame(mac: Mac, packet: DhcpPacket): Uint8Array {
  const frame = createBuilder();
  putBytes(frame, Uint8Array.of(255, 255, 255, 255, 255, 255));
  putBytes(frame, macToBytes(mac));
  putUnsigned(frame, ipv4EtherType, 2);
  const source = { address: noAddress, port: clientPort };
  const destination = { address: broadcastAddress, port: serverPort };
  putBytes(frame, udpPacket({ source, destination, payload: writeDhcp(packet) }));
  return finishedBytes(frame);
}

/** The DHCP message of a server in an Ethernet frame; undefined for any other frame. Never throws. */
export function readServerFrame(frame: Uint8Array): DhcpPacket | undefined {
  const ip = frame.subarray(ethernetBytes);
  if (uint16At(frame, 12) !== ipv4EtherType || uint8At(ip, 0) >> 4 !== 4) return undefined;
  const isFragment = (uint16At(ip, 6) & 0x3fff) !== 0;
  if (uint8At(ip, 9) !== udpProtocol || isFragment) return undefined;
  const udp = ip.subarray((uint8At(ip, 0) & 15) * 4, uint16At(ip, 2));
  if (uint16At(udp, 0) !== serverPort || uint16At(udp, 2) !== clientPort) return undefined;
  const reading = readDhcp(udp.subarray(8, uint16At(udp, 4)));
  return reading.kind === "packet" && reading.packet.op === 2 ? reading.packet : undefined;
}
