import assert from "node:assert/strict";
import { test } from "node:test";
import { capturedDiscover } from "../../../tests/support/captures.ts";
import { hexFromBytes } from "../bytes/text.ts";
import type { DhcpPacket } from "../dhcp/codec/packet.ts";
import type { Machine } from "../machine/record.ts";
import type { MachineState } from "../machine/state.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import { formatIpv4 } from "../net/ipv4.ts";
import { ip, macOf } from "../net/testing/addresses.ts";
import type { NetworkMode } from "../network/network.ts";
import { testNetworkOfOnePart } from "../network/testing/test-network.ts";
import { decideByMode } from "./decide-by-mode.ts";
import type { DhcpDecision } from "./decision.ts";
import { planScript } from "./script/ipxe.ts";

const mac = macOf("52:54:00:00:00:01");
const network = (mode: NetworkMode) => testNetworkOfOnePart({ mode });

const machine = (state: MachineState): Machine => testMachine(state, { temporaryAddress: ip("10.77.0.60") });

const edk2 = capturedDiscover("ovmf-2022.11-own-pxe");
const biosIpxe = capturedDiscover("seabios-ipxe-virtio-rom");
const { userClass: _, etherbootEncapsulated: __, ...romOptions } = biosIpxe.options;
const biosRom: DhcpPacket = { ...biosIpxe, options: romOptions };
const vendorClassIdentifier = "HTTPClient:Arch:00016:UNDI:003000";
const http: DhcpPacket = {
  ...edk2,
  options: { ...edk2.options, vendorClassIdentifier, clientSystemArchitecture: [16] },
};
const plain: DhcpPacket = { ...edk2, options: { dhcpMessageType: "discover", parameterRequestList: [1, 3] } };
const ask = (packet: DhcpPacket, ciaddr = "10.77.0.123"): DhcpPacket => ({
  ...{ ...packet, ciaddr: ip(ciaddr) },
  options: { ...packet.options, dhcpMessageType: "request" },
});
const select = (packet: DhcpPacket): DhcpPacket => ({
  ...packet,
  options: {
    ...packet.options,
    ...{ dhcpMessageType: "request", serverIdentifier: ip("10.77.0.2"), requestedIpAddress: ip("10.77.0.123") },
  },
});

type Given = { state?: MachineState; mode?: NetworkMode; served?: boolean; port?: 4011 };
function decide(packet: DhcpPacket, { state, mode = "proxy", served = true, port }: Given = {}): DhcpDecision {
  const question = { packet, network: network(mode), ports: { http: 80, machines: 443 }, holderOf: () => undefined };
  const caller = port === undefined ? undefined : { address: ip("10.77.0.123"), port };
  return decideByMode({ ...question, machine: state === undefined ? undefined : machine(state) }, served, caller);
}

/** Message, yiaddr, option 60, option 43, boot file, destination. */
function line(decision: DhcpDecision): string {
  if (decision.kind === "silence") return `silence ${decision.why}`;
  if (decision.kind === "declined") return "declined";
  const { reply, destination } = decision;
  const { dhcpMessageType, vendorClassIdentifier: vendor = "-", vendorSpecificInformation: menu } = reply.options;
  const options43 = menu === undefined ? "-" : hexFromBytes(menu).slice(0, 10);
  const where =
    destination.kind === "client" ? `${formatIpv4(destination.address)}:${destination.port}` : destination.kind;
  return [dhcpMessageType, formatIpv4(reply.yiaddr), vendor, options43, reply.file || "-", where].join(" ");
}

const script = "http://10.77.0.1/boot/52-54-00-00-00-01.ipxe";
const rows: readonly (readonly [title: string, DhcpPacket, Given, expected: string])[] = [
  [
    "EDK2, birth: no option 43, so that it asks port 4011 (Q4)",
    edk2,
    { state: "birth" },
    "offer 0.0.0.0 PXEClient - snponly.efi broadcast",
  ],
  ["EDK2, unknown: born", edk2, {}, "offer 0.0.0.0 PXEClient - snponly.efi broadcast"],
  [
    "EDK2 on port 4011",
    ask(edk2),
    { state: "birth", port: 4011 },
    "ack 0.0.0.0 PXEClient - snponly.efi 10.77.0.123:4011",
  ],
  [
    "EDK2, healthy: the menu, as the NAK is not ours to give",
    edk2,
    { state: "healthy" },
    "offer 0.0.0.0 PXEClient 0601030917 - broadcast",
  ],
  [
    "BIOS ROM, birth: standard PXE",
    biosRom,
    { state: "birth" },
    "offer 0.0.0.0 PXEClient 060108ff undionly.kpxe broadcast",
  ],
  ["BIOS ROM, healthy", biosRom, { state: "healthy" }, "offer 0.0.0.0 PXEClient 0601030917 - broadcast"],
  ["iPXE", biosIpxe, { state: "birth" }, `offer 0.0.0.0 PXEClient - ${script} broadcast`],
  [
    "iPXE on port 4011",
    ask(biosIpxe),
    { state: "birth", port: 4011 },
    `ack 0.0.0.0 PXEClient - ${script} 10.77.0.123:4011`,
  ],
  ["HTTP boot", http, { state: "birth" }, "offer 0.0.0.0 HTTPClient - http://10.77.0.1/snponly.efi broadcast"],
  [
    "HTTP boot, healthy: a file that is not there",
    http,
    { state: "healthy" },
    "offer 0.0.0.0 HTTPClient - http://10.77.0.1/local.efi broadcast",
  ],
  ["an operating system: the other server's", plain, { state: "birth" }, "silence unknownClient"],
  ["REQUEST to the other server", select(edk2), { state: "birth" }, "silence tookAnotherOffer"],
  ["DISCOVER on port 4011", edk2, { port: 4011 }, "silence incompleteRequest"],
  ["listening", edk2, { mode: "listen" }, "silence withheld"],
  ["another server where none is expected", edk2, { mode: "full", served: false }, "silence withheld"],
];
for (const [title, packet, asked, expected] of rows)
  test(`ProxyDHCP: ${title}`, () => assert.equal(line(decide(packet, asked)), expected));

test("ProxyDHCP leases nothing and keeps no address; the one that the other server leases is noted", () => {
  const offer = decide(edk2, { state: "birth" });
  assert.ok(offer.kind === "reply" && offer.reserve === undefined && offer.seen?.address === undefined);
  assert.equal(offer.reply.options.ipAddressLeaseTime, undefined);
  assert.equal(formatIpv4(offer.reply.siaddr), "10.77.0.1");
  assert.deepEqual(offer.reply.options.clientMachineIdentifier, edk2.options.clientMachineIdentifier);
  const taken = decide(select(edk2), { state: "birth" });
  assert.deepEqual(taken.kind === "silence" && "noted" in taken && taken.noted, {
    ...{ kind: "addressSeen", id: "m-525400000001", address: ip("10.77.0.123") },
  });
});

test("an ignored request is reported and counted, and leads to no birth", () => {
  const decision = decide(edk2, { mode: "listen" });
  assert.ok(decision.kind === "silence" && decision.why === "withheld");
  assert.match(decision.would, /^offer 10\.77\.0\.\d+, loader snponly\.efi$/);
  assert.deepEqual([decision.seen?.nursery, decision.seen?.withheld, decision.seen?.address], [false, true, undefined]);
});

test("the script gives the kernel the address that the other server leased", () => {
  const plan = planScript(machine("birth"), network("proxy"), { mac, leased: ip("10.77.0.123") });
  assert.deepEqual(plan.kind === "install" && [formatIpv4(plan.binding.address), plan.binding.prefix.length], [
    "10.77.0.123",
    24,
  ]);
  assert.equal(planScript(machine("birth"), network("proxy"), { mac, leased: ip("192.168.7.9") }).kind, "wait");
  assert.equal(planScript(machine("healthy"), network("proxy"), { mac, leased: ip("10.77.0.123") }).kind, "local");
});

test("iPXE that uses the other server's address learns that there is no IPv6 router; where we only listen, it does not", () => {
  const notified = (decision: DhcpDecision) => "noRouter" in decision && decision.noRouter;
  assert.equal(notified(decide(select(biosIpxe), { state: "birth" })), mac);
  assert.equal(notified(decide(select(edk2), { state: "birth" })), false);
  assert.equal(notified(decide(select(biosIpxe), { state: "birth", mode: "listen" })), false);
  assert.equal(notified(decide(select(biosIpxe), { state: "unknown", served: false })), false);
  assert.equal(notified(decide(select(biosIpxe), { state: "birth", served: false })), mac, "it is being installed");
});
