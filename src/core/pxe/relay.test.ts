import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesFromHex, hexFromBytes } from "../bytes/text.ts";
import type { DhcpOptions } from "../dhcp/codec/option-table.ts";
import { broadcastFlag, type DhcpPacket } from "../dhcp/codec/packet.ts";
import { readDhcp } from "../dhcp/codec/read.ts";
import { relayRequests } from "../dhcp/codec/relay-agent.ts";
import { writeDhcp } from "../dhcp/codec/write.ts";
import type { Holder } from "../dhcp/pool/address-pool.ts";
import { replyLimit } from "../dhcp/reply.ts";
import type { Machine } from "../machine/record.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import { formatIpv4, type Ipv4, noAddress } from "../net/ipv4.ts";
import { ip, macOf, prefix } from "../net/testing/addresses.ts";
import { chooseNetwork } from "../network/choose-network.ts";
import { testNetwork } from "../network/testing/test-network.ts";
import { decideDhcp } from "./decide.ts";
import type { DhcpDecision } from "./decision.ts";
import { leasing } from "./lease.ts";

const bytes = (hex: string) => bytesFromHex(hex) ?? assert.fail(hex);
const mac = macOf("52:54:00:00:00:01");
const server = ip("10.77.0.1");

const local = testNetwork({
  name: "local",
  permanent: { prefix: prefix("10.77.1.0/24"), serverAddress: ip("10.77.1.1"), nameservers: [] },
});
const row7 = testNetwork({
  ...{ name: "row7", prefix: prefix("10.78.0.0/24") },
  relay: { gateway: ip("10.78.0.1"), agents: [ip("192.0.2.7")] },
  temporaryPool: { first: ip("10.78.0.50"), last: ip("10.78.0.59") },
  permanent: {
    ...{ prefix: prefix("10.79.0.0/24"), serverAddress: server, gateway: ip("10.79.0.1") },
    nameservers: [ip("10.0.0.53")],
  },
});
const networks = [local, row7];

const discover: DhcpPacket = {
  ...{ op: 1, htype: 1, hlen: 6, hops: 1, xid: 7, secs: 4, flags: 0 },
  ...{ ciaddr: noAddress, yiaddr: noAddress, siaddr: noAddress, giaddr: noAddress },
  chaddr: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  ...{ sname: "", file: "", otherOptions: new Map() },
  options: {
    ...{ dhcpMessageType: "discover", parameterRequestList: [1, 3, 6, 67], maximumDhcpMessageSize: 1472 },
    ...{ vendorClassIdentifier: "PXEClient:Arch:00007:UNDI:003000", clientSystemArchitecture: [7] },
  },
};
const packet = (fields: Partial<DhcpPacket>, options: DhcpOptions = {}): DhcpPacket => ({
  ...discover,
  ...fields,
  options: { ...discover.options, ...options },
});
const request = (fields: Partial<DhcpPacket>, options: DhcpOptions = {}) =>
  packet(fields, { dhcpMessageType: "request", ...options });
/** Circuit "swp7", then link selection 10.78.0.0, server identifier override 192.0.2.7. */
const circuit = bytes("01 04 73777037");
const linked = bytes("01 04 73777037 05 04 0a4e0000");
const overriding = bytes("05 04 0a4e0000 0b 04 c0000207");

const networkRows: readonly (readonly [title: string, packet: DhcpPacket, by: string | undefined, name?: string])[] = [
  ["a broadcast belongs to the wire it came by", packet({}), "rack0", "local"],
  ["nothing says where it is from", packet({}), undefined],
  ["relay inside its network", packet({ giaddr: ip("10.78.0.1") }), undefined, "row7"],
  ["relay inside the permanent part", packet({ giaddr: ip("10.79.0.1") }), undefined, "row7"],
  ["relay that is named", packet({ giaddr: ip("192.0.2.7") }), "rack0", "row7"],
  ["relay that nobody knows", packet({ giaddr: ip("192.0.2.8") }), "rack0"],
  ["relay on our own wire", packet({ giaddr: ip("10.77.0.9") }), "rack0", "local"],
  [
    "link selection over giaddr (RFC 3527)",
    packet({ giaddr: ip("10.77.0.9") }, { relayAgentInformation: linked }),
    "rack0",
    "row7",
  ],
  [
    "link selection over subnet selection",
    packet({ giaddr: ip("10.77.0.9") }, { relayAgentInformation: linked, subnetSelection: ip("10.77.0.0") }),
    "rack0",
    "row7",
  ],
  ["link selection that no relay sent", packet({}, { relayAgentInformation: linked }), "rack0", "local"],
  ["subnet selection (RFC 3011)", packet({}, { subnetSelection: ip("10.78.0.0") }), "rack0", "row7"],
  ["subnet that we do not serve", packet({}, { subnetSelection: ip("10.99.0.0") }), "rack0"],
  ["renewing past the relay, by unicast", request({ ciaddr: ip("10.79.0.71") }), undefined, "row7"],
  ["the same heard on a local interface", request({ ciaddr: ip("10.79.0.71") }), "rack0", "row7"],
  ["renewing a local address at the relays' socket", request({ ciaddr: ip("10.77.0.60") }), undefined, "local"],
  ["rebinding with a foreign address", request({ ciaddr: ip("10.99.0.1") }), "rack0", "local"],
  ["ciaddr means nothing in DISCOVER (Q13)", packet({ ciaddr: ip("10.79.0.71") }), "rack0", "local"],
];
for (const [title, given, by, name] of networkRows)
  test(`network: ${title}`, () => assert.equal(chooseNetwork(given, networks, by)?.name, name));

const machine = (state: "healthy" | "birth"): Machine =>
  state === "birth"
    ? testMachine(state, { temporaryAddress: ip("10.78.0.55"), hostname: "r07u01" })
    : testMachine(state, {
        temporaryAddress: ip("10.78.0.55"),
        hostname: "r07u01",
        permanentAddress: ip("10.79.0.71"),
      });
const mine = (): Holder => ({ kind: "machine", mac });

function decideHere(given: DhcpPacket, known?: Machine, holderOf: (address: Ipv4) => Holder | undefined = mine) {
  const network = chooseNetwork(given, networks, "rack0") ?? assert.fail("no network");
  return decideDhcp({ packet: given, network, ports: { http: 80, machines: 443 }, machine: known, holderOf }, leasing);
}
const replyOf = (decision: DhcpDecision) =>
  decision.kind === "reply" ? decision : assert.fail(JSON.stringify(decision));
/** The reply after it went over the wire. */
const wired = (given: DhcpPacket, decision: DhcpDecision): DhcpPacket => {
  const result = readDhcp(writeDhcp(replyOf(decision).reply, replyLimit(given)));
  return result.kind === "packet" ? result.packet : assert.fail(result.fault);
};

test("a relayed machine gets an address of its network, the way to us, and its answer by the relay", () => {
  const given = packet({ giaddr: ip("10.78.0.1"), flags: broadcastFlag }, { relayAgentInformation: circuit });
  const decision = replyOf(decideHere(given));
  assert.deepEqual(decision.destination, { kind: "relay", address: ip("10.78.0.1"), port: 67 });
  const { yiaddr, giaddr, flags, options } = wired(given, decision);
  assert.match(formatIpv4(yiaddr), /^10\.78\.0\.5\d$/);
  assert.deepEqual([giaddr, flags], [given.giaddr, broadcastFlag]);
  assert.deepEqual(options.routers, [ip("10.78.0.1")]);
  assert.deepEqual(options.relayAgentInformation, circuit);
  assert.equal(decision.seen?.kind === "pxeAsked" && decision.seen.network, "row7");
});

test("a relay that overrides the server identifier is one (RFC 5107), in the offer and in the request", () => {
  const options = { relayAgentInformation: overriding };
  const given = packet({ giaddr: ip("192.0.2.7") }, options);
  assert.equal(wired(given, decideHere(given)).options.serverIdentifier, ip("192.0.2.7"));
  const taking = { requestedIpAddress: ip("10.78.0.55"), serverIdentifier: ip("192.0.2.7") };
  const selecting = request({ giaddr: ip("192.0.2.7") }, { ...options, ...taking });
  const ack = wired(selecting, decideHere(selecting, machine("birth")));
  assert.deepEqual([ack.options.dhcpMessageType, ack.options.serverIdentifier], ["ack", ip("192.0.2.7")]);
  const without = request({ giaddr: ip("192.0.2.7") }, taking);
  assert.deepEqual(decideHere(without), { kind: "silence", why: "tookAnotherOffer" });
});

test("a NAK by a relay has the broadcast bit, and no option that table 3 of RFC 2131 forbids", () => {
  const wanted = { requestedIpAddress: ip("10.77.0.60"), serverIdentifier: server };
  const given = request({ giaddr: ip("10.78.0.1") }, { ...wanted, subnetSelection: ip("10.78.0.0") });
  const reply = wired(given, decideHere(given, machine("birth")));
  assert.deepEqual([reply.options.dhcpMessageType, reply.flags], ["nak", broadcastFlag]);
  assert.equal(reply.options.subnetSelection, undefined);
});

test("an owner renews past its relay: answered where it is, with gateway and name servers", () => {
  const firmware = request({ ciaddr: ip("10.79.0.71") }, { vendorClassIdentifier: "dhclient" });
  // Only boot clients send option 93.
  const { clientSystemArchitecture: _, ...systemOptions } = firmware.options;
  const given = { ...firmware, options: systemOptions };
  const decision = replyOf(decideHere(given, machine("healthy")));
  assert.deepEqual(decision.destination, { kind: "client", address: ip("10.79.0.71"), port: 68 });
  const { options, yiaddr } = wired(given, decision);
  assert.deepEqual([yiaddr, options.routers], [ip("10.79.0.71"), [ip("10.79.0.1")]]);
  assert.deepEqual(options.domainNameServers, [ip("10.0.0.53")]);
});

test("INFORM: parameters to the address the client has, nothing of a lease, even when the pool is empty", () => {
  const given = packet({ ciaddr: ip("10.78.0.200") }, { dhcpMessageType: "inform" });
  const network = row7;
  const decision = decideDhcp(
    {
      ...{ packet: given, network, ports: { http: 80, machines: 443 }, machine: undefined, poolFull: true },
      holderOf: () => ({ kind: "declined" }),
    },
    leasing,
  );
  const { options, yiaddr, ciaddr } = wired(given, decision);
  assert.deepEqual([options.dhcpMessageType, yiaddr, ciaddr], ["ack", noAddress, ip("10.78.0.200")]);
  const { ipAddressLeaseTime, renewalTimeValue, rebindingTimeValue } = options;
  assert.deepEqual([ipAddressLeaseTime, renewalTimeValue, rebindingTimeValue], [undefined, undefined, undefined]);
});

const stateRows: readonly (readonly [title: string, packet: DhcpPacket, known: boolean, outcome: string])[] = [
  [
    "INIT-REBOOT of a stranger on our network",
    request({}, { requestedIpAddress: ip("10.77.0.60") }),
    false,
    "noRecord",
  ],
  [
    "INIT-REBOOT of a stranger with a foreign address",
    request({}, { requestedIpAddress: ip("10.9.0.1") }),
    false,
    "nak",
  ],
  ["INIT-REBOOT of an owner", request({}, { requestedIpAddress: ip("10.77.0.60") }), true, "ack"],
  ["INIT-REBOOT of an owner who moved", request({}, { requestedIpAddress: ip("10.9.0.1") }), true, "nak"],
  ["RENEWING of a stranger", request({ ciaddr: ip("10.77.0.60") }), false, "noRecord"],
  ["RENEWING of an owner", request({ ciaddr: ip("10.77.0.60") }), true, "ack"],
  ["REBINDING of an owner", request({ ciaddr: ip("10.77.0.60"), flags: broadcastFlag }), true, "ack"],
];
for (const [title, given, known, outcome] of stateRows)
  test(`REQUEST: ${title}`, () => {
    const record = known ? { ...machine("birth"), temporaryAddress: ip("10.77.0.60") } : undefined;
    const decision = decideDhcp(
      {
        ...{ packet: given, network: local, ports: { http: 80, machines: 443 }, machine: record },
        holderOf: () => undefined,
      },
      leasing,
    );
    const was = decision.kind === "reply" ? decision.reply.options.dhcpMessageType : "why" in decision && decision.why;
    assert.equal(was, outcome);
  });

test("a declined permanent address gives way to a temporary one", () => {
  const given = packet({ giaddr: ip("10.78.0.1") });
  const declined = ip("10.79.0.71");
  const holderOf = (address: Ipv4): Holder | undefined => (address === declined ? { kind: "declined" } : undefined);
  assert.equal(replyOf(decideHere(given, machine("healthy"), holderOf)).reply.yiaddr, ip("10.78.0.55"));
});

test("no relay information makes the reading throw, and every one of it goes back byte for byte, last", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (relayAgentInformation) => {
      const given = packet({ giaddr: ip("10.78.0.1") }, { relayAgentInformation });
      relayRequests(given);
      if (chooseNetwork(given, networks, "rack0") === undefined) return;
      const decision = decideHere(given);
      if (decision.kind !== "reply") return;
      const written = writeDhcp(decision.reply, replyLimit(given));
      const hex = hexFromBytes(written);
      assert.deepEqual(wired(given, decision).options.relayAgentInformation, relayAgentInformation);
      const tail = hexFromBytes(relayAgentInformation.subarray(-4));
      assert.match(hex, new RegExp(`${tail}ff(00)*$`));
    }),
  );
});
