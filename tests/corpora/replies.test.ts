/** What we send, as tshark and tcpdump judge it: whole packets with right checksums, and nothing to remark. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clientFrame, clientMessage, declineMessage } from "../../src/core/dhcp/client-frame.ts";
import type { DhcpPacket } from "../../src/core/dhcp/codec/packet.ts";
import { writeDhcp } from "../../src/core/dhcp/codec/write.ts";
import type { Destination } from "../../src/core/dhcp/destination.ts";
import { replyLimit } from "../../src/core/dhcp/reply.ts";
import { writeLldp } from "../../src/core/lldp/write.ts";
import { testMachine } from "../../src/core/machine/testing/test-machine.ts";
import { writeArpProbe, writeArpReply } from "../../src/core/net/arp.ts";
import { broadcastAddress, type Ipv4 } from "../../src/core/net/ipv4.ts";
import { type Mac, macToBytes } from "../../src/core/net/mac.ts";
import { udpFrame } from "../../src/core/net/pcap.ts";
import { noRouterAdvertisement } from "../../src/core/net/router-advertisement.ts";
import { ip, macOf } from "../../src/core/net/testing/addresses.ts";
import { testNetworkOfOnePart } from "../../src/core/network/testing/test-network.ts";
import { decideByMode } from "../../src/core/pxe/decide-by-mode.ts";
import type { Reply } from "../../src/core/pxe/decision.ts";
import { type TftpPacket, writeTftp } from "../../src/core/tftp/packet.ts";
import { answerRequest } from "../../src/core/tftp/request.ts";
import { readInputs } from "./inputs.ts";
import { dhcpRequests, type TftpRequest, tftpRequests } from "./requests.ts";
import { fetchCorpora } from "./sources.ts";
import { dissect, tcpdumpOf } from "./tshark.ts";

const inputs = readInputs(await fetchCorpora());
const serverMac = macOf("02:00:00:00:00:01");
const serverAddress = ip("10.77.0.1");
const everyone = macOf("ff:ff:ff:ff:ff:ff");

/** What tcpdump writes of a packet that is cut or wrong. */
const doubts = /\[\||bad |invalid|malformed|truncated|incorrect|missing/i;

/** Fails if tshark or tcpdump has anything to say against a frame, or a checksum is not right. */
function assertClean(frames: readonly Uint8Array[]): void {
  const status = ["ip.checksum.status", "udp.checksum.status", "icmpv6.checksum.status"] as const;
  const faults = dissect(frames, ["frame.number", "_ws.malformed", "_ws.expert.message", ...status]).flatMap((of) => {
    const wrong = status.filter((name) => of(name).some((value) => value !== "1" && value !== "Good"));
    const remarks = [...of("_ws.malformed"), ...of("_ws.expert.message"), ...wrong];
    return remarks.length === 0 ? [] : [`frame ${of("frame.number")}: ${remarks.join("; ")}`];
  });
  const lines = tcpdumpOf(frames).split("\n");
  assert.ok(lines.length > frames.length, `expected a line for each of ${frames.length} frames, found ${lines.length}`);
  const doubted = lines.filter((line) => doubts.test(line));
  assert.deepEqual([...new Set([...faults, ...doubted])].slice(0, 20), []);
}

/** The frame of a reply on its wire. */
function replyFrame(request: DhcpPacket, { reply, destination }: Reply): Uint8Array {
  return udpFrame({
    source: { mac: serverMac, address: serverAddress, port: 67 },
    destination: placeOf(destination),
    payload: writeDhcp(reply, replyLimit(request)),
  });
}

function placeOf(destination: Destination): { mac: Mac; address: Ipv4; port: number } {
  const port = destination.port === "source" ? 1067 : destination.port;
  const mac = destination.kind === "hardware" ? destination.mac : everyone;
  return { mac, port, address: destination.kind === "broadcast" ? broadcastAddress : destination.address };
}

test("DHCP replies to everybody's requests, from every state and mode", () => {
  const machines = [undefined, testMachine("birth", { temporaryAddress: ip("10.77.0.60") }), testMachine("healthy")];
  const frames = dhcpRequests(inputs).flatMap((packet) =>
    (["full", "proxy"] as const).flatMap((mode) =>
      machines.flatMap((machine) => {
        const network = testNetworkOfOnePart({ mode });
        const question = { packet, network, machine, ports: { http: 80, machines: 443 }, holderOf: () => undefined };
        const decision = decideByMode(question, true, undefined);
        return decision.kind === "reply" ? [replyFrame(packet, decision)] : [];
      }),
    ),
  );
  assert.ok(frames.length >= 100, `expected at least 100 replies, found ${frames.length}`);
  assertClean(frames);
});

const file = new Uint8Array(2000).fill(7);

/** A request and its first answer, so that tshark knows the transfer. */
function tftpFrames(payload: Uint8Array, request: TftpRequest, clientPort: number): Uint8Array[] {
  const client = { mac: macOf("52:54:00:00:00:01"), address: ip("10.77.0.60"), port: clientPort };
  const server = { mac: serverMac, address: serverAddress };
  const answer = answerRequest(request, new Map([[request.file, file]]), 1500);
  return [
    udpFrame({ source: client, destination: { ...server, port: 69 }, payload }),
    udpFrame({ source: { ...server, port: 40_000 }, destination: client, payload: writeTftp(firstPacket(answer)) }),
  ];
}

function firstPacket(answer: ReturnType<typeof answerRequest>): TftpPacket {
  if (answer.kind === "refuse") return answer.error;
  const { accepted, blockBytes } = answer.terms;
  return accepted.length > 0
    ? { kind: "optionAck", options: accepted }
    : { kind: "data", block: 1, bytes: answer.bytes.subarray(0, blockBytes) };
}

test("TFTP answers to everybody's requests", () => {
  const requests = tftpRequests(inputs);
  assert.ok(requests.length >= 5, `expected at least 5 requests, found ${requests.length}`);
  const answers = requests.flatMap(({ payload, request }, at) => tftpFrames(payload, request, 2000 + at).slice(1));
  assertClean(answers);
});

test("what a machine says for itself: LLDP, ARP and DHCP, and our notice that there is no IPv6 router", () => {
  const mac = macOf("52:54:00:00:00:01");
  const lldp = { chassis: { kind: "mac", text: mac }, port: { kind: "mac", text: mac }, ttlSeconds: 120 } as const;
  const probe = { operation: "request", senderMac: serverMac, senderAddress: serverAddress } as const;
  const notice = noRouterAdvertisement(serverMac, mac);
  assertClean([
    // Long enough to need no padding: tshark 4.0 takes the last three bytes of every LLDPDU for padding, and misses zeros there.
    writeLldp({ ...lldp, systemName: "birther-init-of-a-new-machine" }, mac),
    writeArpProbe(mac, ip("10.77.0.60")),
    writeArpReply({ mac, address: ip("10.77.0.60") }, { ...probe, targetAddress: ip("10.77.0.60") }),
    clientFrame(mac, clientMessage(mac, 7, { dhcpMessageType: "discover", parameterRequestList: [1, 3, 54] })),
    clientFrame(mac, declineMessage(mac, 8, { address: ip("10.77.0.60"), server: serverAddress })),
    Uint8Array.of(...macToBytes(mac), ...macToBytes(serverMac), 0x86, 0xdd, ...notice),
  ]);
});
