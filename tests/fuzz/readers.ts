import { readdirSync, readFileSync } from "node:fs";
import { pathOf } from "../../src/boot-server/http/request-path.ts";
import { bytesFromText, textFromBytes } from "../../src/core/bytes/text.ts";
import { classifyMessage } from "../../src/core/dhcp/client-message.ts";
import { readDhcp } from "../../src/core/dhcp/codec/read.ts";
import { relayRequests } from "../../src/core/dhcp/codec/relay-agent.ts";
import { readSubOptions } from "../../src/core/dhcp/codec/sub-options.ts";
import { writeDhcp } from "../../src/core/dhcp/codec/write.ts";
import { readLldp } from "../../src/core/lldp/read.ts";
import { writeLldp } from "../../src/core/lldp/write.ts";
import { parseMac } from "../../src/core/net/mac.ts";
import { macOf } from "../../src/core/net/testing/addresses.ts";
import { classifyClient } from "../../src/core/pxe/client.ts";
import { readSyslog, writeSyslog } from "../../src/core/syslog/message.ts";
import { readTftp, type TftpPacket, writeTftp } from "../../src/core/tftp/packet.ts";
import { answerRequest } from "../../src/core/tftp/request.ts";
import { startTransfer, stepTransfer } from "../../src/core/tftp/transfer.ts";
import type { ObjectCache } from "../../src/init/agent/objects/object-cache.ts";
import { objectSink } from "../../src/init/agent/objects/object-stream.ts";
import { peerAnswer } from "../../src/init/agent/peers/peer-answer.ts";
import { framesOf, udpPayloadsTo } from "../support/pcap.ts";

/** A reader under test: complete packets as seeds, and the processing of an input. It must never throw. */
export type Reader = {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  readonly read: (bytes: Uint8Array) => void;
};

const captures = new URL("../captures/", import.meta.url);
const captured = readdirSync(captures)
  .filter((name) => name.endsWith(".pcap"))
  .flatMap((name) => udpPayloadsTo(67, framesOf(readFileSync(new URL(name, captures)))));

const readRequest = (file: string, options: readonly (readonly [string, string])[]): TftpPacket => ({
  ...{ kind: "readRequest", file, mode: "octet", options },
});
const tftpPackets: readonly TftpPacket[] = [
  readRequest("snponly.efi", [
    ["tsize", "0"],
    ["blksize", "1468"],
    ["windowsize", "4"],
  ]),
  readRequest("/tftpboot\\undionly.kpxe", [["timeout", "2"]]),
  { kind: "writeRequest", file: "x", mode: "netascii", options: [] },
  { kind: "ack", block: 0 },
  { kind: "ack", block: 2 },
  { kind: "data", block: 1, bytes: new Uint8Array(32) },
  { kind: "error", code: 8, message: "User aborted the transfer" },
  { kind: "optionAck", options: [["tsize", "1"]] },
];
const files = new Map([["snponly.efi", new Uint8Array(5000)]]);

/** Contents that a machine asks another one for, and an answer with all of them, one of which it had to wait for. */
const wanted = [
  { sha512: "a".repeat(128), size: 3 },
  { sha512: "b".repeat(128), size: 300 },
];
const peerLines = [
  ...[`${"a".repeat(128)} 3`, `abc${"b".repeat(128)} ?`, `${"b".repeat(128)} 300`],
  `${"x".repeat(300)}`,
].join("\n");

/** Another machine's answer: what it says that was not asked for is refused, and never more is passed on than was asked for. */
function readPeerAnswer(bytes: Uint8Array): void {
  let stored = 0;
  const take = (part: Uint8Array): void => {
    stored += part.length;
  };
  const cache = { receive: () => ({ take, end: () => 0 }) };
  const answer = peerAnswer(
    { sink: objectSink(cache as unknown as ObjectCache, wanted, { source: "peer", begunBytes: 0 }), nowMs: () => 0 },
    wanted,
  );
  try {
    // In pieces of all lengths.
    for (let at = 0, step = 1; at < bytes.length; at += step, step = (step % 97) + 1)
      answer.take(bytes.subarray(at, at + step));
  } catch (error) {
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
  }
  if (stored > 303 || (answer.isComplete() && stored !== 303)) throw new RangeError(`${stored} bytes were passed on`);
}

const lldpFrame = writeLldp(
  {
    chassis: { kind: "mac", text: "44:38:39:aa:bb:cc" },
    port: { kind: "interfaceName", text: "swp1" },
    ...{ ttlSeconds: 120, systemName: "tor-1", portDescription: "to the machine" },
  },
  macOf("02:00:00:00:00:01"),
);

/** Every reader of network data. */
export const readers: readonly Reader[] = [
  {
    name: "DHCP",
    seeds: captured,
    read: (bytes) => {
      const result = readDhcp(bytes);
      if (result.kind === "malformed") return;
      classifyMessage(result.packet);
      classifyClient(result.packet);
      relayRequests(result.packet);
      writeDhcp(result.packet, 576);
    },
  },
  {
    name: "DHCP sub-options",
    seeds: captured.map((payload) => payload.subarray(240)),
    read: (bytes) => {
      readSubOptions(bytes);
      readSubOptions(bytes, "noEnd");
    },
  },
  { name: "LLDP", seeds: [lldpFrame], read: (bytes) => void readLldp(bytes) },
  {
    name: "TFTP",
    seeds: tftpPackets.map(writeTftp),
    read: (bytes) => {
      const packet = readTftp(bytes);
      if (packet.kind !== "readRequest" && packet.kind !== "writeRequest") {
        const terms = { blockBytes: 512, windowBlocks: 4, timeoutMs: 1000, accepted: [] };
        const first = startTransfer(new Uint8Array(5000), terms, 0);
        if (first.kind === "going") stepTransfer(first.transfer, { kind: "received", packet }, 1);
        return;
      }
      const answer = answerRequest(packet, files, 1500);
      if (answer.kind === "send") startTransfer(answer.bytes, answer.terms, 0);
    },
  },
  {
    name: "log lines by UDP",
    seeds: ["[   2.1] hello", "grüße"].map((text) =>
      writeSyslog({
        ...{ facility: 3, severity: 6, host: "10.77.0.50", app: "init" },
        boot: "0123abcd",
        sequence: 7,
        text,
      }),
    ),
    read: (bytes) => void readSyslog(bytes),
  },
  { name: "peer answer", seeds: [bytesFromText(peerLines)], read: readPeerAnswer },
  {
    name: "HTTP path",
    seeds: [
      "/boot/52-54-00-0a-0b-0c.ipxe",
      "//boot//52%3a54:00:0a:0b:0c.ipxe?x=1#y",
      "/objects/0a1b",
      "/throughput/99",
    ].map(bytesFromText),
    read: (bytes) => {
      const path = pathOf(textFromBytes(bytes));
      parseMac(path.slice(6));
    },
  },
];
