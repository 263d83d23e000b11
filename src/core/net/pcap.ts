import { builtBytes, createBuilder, finishedBytes, putBytes, putUnsigned } from "../bytes/builder.ts";
import { internetChecksum } from "./checksum.ts";
import type { Ipv4 } from "./ipv4.ts";
import { type Mac, macToBytes } from "./mac.ts";

/** The addresses and ports of a datagram. */
export type UdpEnds = {
  readonly source: { readonly address: Ipv4; readonly port: number };
  readonly destination: { readonly address: Ipv4; readonly port: number };
};

/** Wraps a UDP datagram into an Ethernet frame. */
export type UdpDatagram = {
  readonly source: { readonly mac: Mac; readonly address: Ipv4; readonly port: number };
  readonly destination: { readonly mac: Mac; readonly address: Ipv4; readonly port: number };
  readonly payload: Uint8Array;
};

const ipHeaderBytes = 20;
const udpHeaderBytes = 8;
const udpProtocol = 17;
const timeToLive = 64;

/** Where the header's checksum, the addresses, the UDP header and its checksum begin. */
const ipChecksumAt = 10;
const addressesAt = 12;
const udpAt = ipHeaderBytes;
const udpChecksumAt = udpAt + 6;

/** Makes the IPv4 packet of a datagram, with both checksums. */
export function udpPacket({ source, destination, payload }: UdpEnds & { readonly payload: Uint8Array }): Uint8Array {
  const length = ipHeaderBytes + udpHeaderBytes + payload.length;
  const header = createBuilder(length);
  putUnsigned(header, 0x4500, 2);
  putUnsigned(header, length, 2);
  putUnsigned(header, 0, 4);
  putUnsigned(header, (timeToLive << 8) | udpProtocol, 2);
  putUnsigned(header, 0, 2);
  putUnsigned(header, source.address, 4);
  putUnsigned(header, destination.address, 4);
  setWord(header.bytes, ipChecksumAt, internetChecksum(header.bytes.subarray(0, ipHeaderBytes)));
  putUnsigned(header, source.port, 2);
  putUnsigned(header, destination.port, 2);
  putUnsigned(header, udpHeaderBytes + payload.length, 2);
  putUnsigned(header, 0, 2);
  putBytes(header, payload);
  const packet = finishedBytes(header);
  // RFC 768: with a pseudo header of addresses, protocol and length; a sum of 0 is sent as ffff, because 0 means "none".
  const pseudo = Uint8Array.of(
    0,
    udpProtocol,
    (udpHeaderBytes + payload.length) >>> 8,
    udpHeaderBytes + payload.length,
  );
  const addresses = packet.subarray(addressesAt, udpAt);
  setWord(packet, udpChecksumAt, internetChecksum(addresses, pseudo, packet.subarray(udpAt)) || 0xffff);
  return packet;
}

function setWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 255;
}

/** Writes datagrams to a pcap file for Wireshark and tcpdump. */
export function writePcap(datagrams: readonly (UdpDatagram & { readonly atMs: number })[]): Uint8Array {
  return pcapOfFrames(datagrams.map((datagram) => ({ atMs: datagram.atMs, frame: udpFrame(datagram) })));
}

/** Makes the Ethernet frame of a datagram. */
export function udpFrame(datagram: UdpDatagram): Uint8Array {
  const frame = createBuilder();
  putBytes(frame, macToBytes(datagram.destination.mac));
  putBytes(frame, macToBytes(datagram.source.mac));
  putUnsigned(frame, 0x0800, 2);
  putBytes(frame, udpPacket(datagram));
  return builtBytes(frame);
}

/** Makes a pcap file (libpcap's classic format, microseconds, Ethernet) of frames. */
export function pcapOfFrames(frames: readonly { readonly frame: Uint8Array; readonly atMs: number }[]): Uint8Array {
  const file = createBuilder(65_536);
  for (const [value, size] of [
    [0xa1b2c3d4, 4],
    [2, 2],
    [4, 2],
    [0, 4],
    [0, 4],
    [65_535, 4],
    [ethernetLink, 4],
  ] as const)
    putLittle(file, value, size);
  for (const { frame, atMs } of frames) {
    putLittle(file, Math.floor(atMs / 1000), 4);
    putLittle(file, Math.round((atMs % 1000) * 1000), 4);
    putLittle(file, frame.length, 4);
    putLittle(file, frame.length, 4);
    putBytes(file, frame);
  }
  return finishedBytes(file);
}

const ethernetLink = 1;

/** A file is in the byte order of its writer; nearly all computers are little-endian. */
function putLittle(builder: ReturnType<typeof createBuilder>, value: number, size: 2 | 4): void {
  for (let shift = 0; shift < size * 8; shift += 8) putUnsigned(builder, (value >>> shift) & 255, 1);
}
