import { readdirSync, readFileSync } from "node:fs";
import { bytesFromHex } from "../../src/core/bytes/text.ts";
import type { DhcpPacket } from "../../src/core/dhcp/codec/packet.ts";
import { readDhcp } from "../../src/core/dhcp/codec/read.ts";
import { readTftp, type TftpPacket } from "../../src/core/tftp/packet.ts";
import { datagramOf, framesOf, udpPayloadsTo } from "../support/pcap.ts";
import type { Input } from "./inputs.ts";

const captures = new URL("../captures/", import.meta.url);

/** The payloads of hex files from the field. */
function fieldPayloads(protocol: "dhcp" | "tftp"): Uint8Array[] {
  const directory = new URL(`field/${protocol}/`, captures);
  return readdirSync(directory)
    .filter((name) => name.endsWith(".hex"))
    .map((name) => bytesFromHex(readFileSync(new URL(name, directory), "utf8")) ?? new Uint8Array());
}

/** The readable DHCP messages to a server: those of the packages, and ours from firmware and from the field. */
export function dhcpRequests(inputs: readonly Input[]): DhcpPacket[] {
  const recorded = readdirSync(captures)
    .filter((name) => name.endsWith(".pcap"))
    .flatMap((name) => framesOf(readFileSync(new URL(name, captures))));
  const frames = [...inputs.map(({ frame }) => frame), ...recorded];
  return [...udpPayloadsTo(67, frames), ...fieldPayloads("dhcp")].flatMap((payload) => {
    const reading = readDhcp(payload);
    return reading.kind === "packet" && reading.packet.op === 1 ? [reading.packet] : [];
  });
}

export type TftpRequest = TftpPacket & { readonly kind: "readRequest" | "writeRequest" };

/** The readable TFTP requests, with their bytes. */
export function tftpRequests(
  inputs: readonly Input[],
): { readonly payload: Uint8Array; readonly request: TftpRequest }[] {
  const payloads = inputs.flatMap(({ frame }) => {
    const datagram = datagramOf(frame);
    return datagram?.to === 69 ? [datagram.payload] : [];
  });
  return [...payloads, ...fieldPayloads("tftp")].flatMap((payload) => {
    const request = readTftp(payload);
    return request.kind === "readRequest" || request.kind === "writeRequest" ? [{ payload, request }] : [];
  });
}
