import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { lldpEtherType } from "../../src/core/lldp/lldpdu.ts";
import { broadcastAddress, noAddress } from "../../src/core/net/ipv4.ts";
import { udpPacket } from "../../src/core/net/pcap.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { framesOf } from "../support/pcap.ts";
import { byteArraysOf } from "./byte-arrays.ts";
import type { fetchCorpora } from "./sources.ts";

/** One Ethernet frame, and where it comes from. */
export type Input = { readonly from: string; readonly frame: Uint8Array };

const ipv4EtherType = 0x0800;

/** All Ethernet frames of both packages: their captures, their fuzzers' inputs wrapped as on a wire, and those of C tests. */
export function readInputs({ captures, fuzzInputs, networkTests }: Awaited<ReturnType<typeof fetchCorpora>>): Input[] {
  const fuzzed = (name: string, wrap: (bytes: Uint8Array) => Uint8Array) =>
    filesIn(join(fuzzInputs, name)).map((path) => ({
      from: `${name}/${basename(path)}`,
      frame: wrap(readFileSync(path)),
    }));
  return [
    ...filesIn(captures)
      .filter((path) => path.endsWith(".pcap"))
      .flatMap(framesOfFile),
    ...fuzzed("fuzz-dhcp-server", (bytes) => wrapped(bytes, toServer)),
    ...fuzzed("fuzz-dhcp-server-relay", (bytes) => wrapped(bytes, toServer)),
    ...fuzzed("fuzz-dhcp-client", (bytes) => wrapped(bytes, toClient)),
    ...fuzzed("fuzz-dhcp6-client", (bytes) => wrapped(bytes, toClient6)),
    ...fuzzed("fuzz-lldp-rx", (bytes) => bytes),
    ...filesIn(networkTests)
      .filter((path) => /test-[^/]+\.c$/.test(path))
      .flatMap((path) =>
        byteArraysOf(readFileSync(path, "utf8")).flatMap(({ name, bytes }) => {
          const frame = frameOf(bytes);
          return frame === undefined ? [] : [{ from: `${basename(path)} ${name}`, frame }];
        }),
      ),
  ];
}

function filesIn(directory: string): string[] {
  return readdirSync(directory)
    .sort()
    .map((name) => join(directory, name));
}

function framesOfFile(path: string): Input[] {
  return framesOf(readFileSync(path)).map((frame, at) => ({ from: `${basename(path)} #${at + 1}`, frame }));
}

const client = { address: noAddress, port: 68 };
const server = { address: ip("10.77.0.1"), port: 67 };
const toServer = { source: client, destination: { address: broadcastAddress, port: 67 } };
const toClient = { source: server, destination: { address: broadcastAddress, port: 68 } };
/** DHCPv6 has ports of its own; over IPv4 it only shows that no reader is harmed. */
const toClient6 = {
  source: { ...server, port: 547 },
  destination: { ...client, port: 546 },
};

/** The most that fits into a UDP datagram. */
const largestPayloadBytes = 65_507;

function wrapped(payload: Uint8Array, ends: typeof toServer): Uint8Array {
  const packet = udpPacket({ ...ends, payload: payload.subarray(0, largestPayloadBytes) });
  return ethernet(packet);
}

function ethernet(packet: Uint8Array): Uint8Array {
  return Uint8Array.of(...new Uint8Array(6).fill(255), 2, 0, 0, 0, 0, 1, ipv4EtherType >> 8, 0, ...packet);
}

/** The frame that a byte array of a C test is: Ethernet with LLDP, or an IPv4 packet with UDP. */
function frameOf(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes[12] === lldpEtherType >> 8 && bytes[13] === (lldpEtherType & 255)) return bytes;
  return bytes[0] === 0x45 && bytes[9] === 17 ? ethernet(bytes) : undefined;
}
