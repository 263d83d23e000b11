import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ipv4, noAddress } from "../net/ipv4.ts";
import { ip, macOf } from "../net/testing/addresses.ts";
import { classifyMessage } from "./client-message.ts";
import { broadcastFlag, type DhcpPacket } from "./codec/packet.ts";
import { readDhcp } from "./codec/read.ts";
import { writeDhcp } from "./codec/write.ts";
import { replyDestination } from "./destination.ts";
import { chooseAddress, type Holder, poolSize } from "./pool/address-pool.ts";
import { offerMs, type Reservations, reservedFor, reserveFor } from "./pool/reservations.ts";
import { type ReplyContent, replyLimit, replyTo } from "./reply.ts";

const mac = macOf("525400000001");
const server = ip("10.77.0.1");
const request: DhcpPacket = {
  ...{ op: 1, htype: 1, hlen: 6, hops: 3, xid: 7, secs: 9, flags: 0 },
  ...{ ciaddr: noAddress, yiaddr: noAddress, siaddr: noAddress, giaddr: noAddress },
  chaddr: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  ...{ sname: "", file: "", otherOptions: new Map() },
  options: {
    dhcpMessageType: "discover",
    parameterRequestList: [1, 67],
    maximumDhcpMessageSize: 1472,
    clientIdentifier: Uint8Array.of(1, 2),
    clientMachineIdentifier: new Uint8Array(17),
  },
};
const offer: ReplyContent = {
  type: "offer",
  server,
  address: ip("10.77.0.50"),
  leaseSeconds: 3600,
  always: { vendorClassIdentifier: "PXEClient" },
  ifRequested: { subnetMask: ip("255.255.255.0"), hostName: "r01u07" },
  boot: { file: "snponly.efi", server },
};

test("an offer: copied header, requested options, echoed options, and nothing forbidden", () => {
  const reply = replyTo(request, offer);
  assert.deepEqual(
    { op: reply.op, xid: reply.xid, hops: reply.hops, secs: reply.secs, siaddr: reply.siaddr, file: reply.file },
    { op: 2, xid: 7, hops: 0, secs: 0, siaddr: server, file: "snponly.efi" },
  );
  assert.deepEqual(reply.options, {
    dhcpMessageType: "offer",
    serverIdentifier: server,
    ipAddressLeaseTime: 3600,
    vendorClassIdentifier: "PXEClient",
    bootFileName: "snponly.efi",
    subnetMask: ip("255.255.255.0"),
    clientIdentifier: Uint8Array.of(1, 2),
    clientMachineIdentifier: new Uint8Array(17),
  });
});

test("without option 55 everything is sent; a boot file too long for its field goes in option 67 alone", () => {
  const { parameterRequestList: _, ...options } = request.options;
  assert.equal(replyTo({ ...request, options }, offer).options.hostName, "r01u07");
  const file = `http://10.77.0.1/${"x".repeat(150)}`;
  const unrequested = { ...request, options: { ...options, parameterRequestList: [1] } };
  assert.equal(replyTo(unrequested, offer).options.bootFileName, undefined);
  const reply = replyTo(unrequested, { ...offer, boot: { file, server } });
  assert.deepEqual([reply.file, reply.options.bootFileName], ["", file]);
});

test("a NAK carries no address and no lease, and through a relay it is to be broadcast", () => {
  const reply = replyTo(
    { ...request, ciaddr: ip("10.77.0.9"), giaddr: ip("10.9.0.1") },
    {
      type: "nak",
      server,
      message: "boot from the local disk",
    },
  );
  assert.deepEqual([reply.yiaddr, reply.ciaddr, reply.flags], [0, 0, broadcastFlag]);
  assert.deepEqual(Object.keys(reply.options), ["dhcpMessageType", "serverIdentifier", "message", "clientIdentifier"]);
});

const destinations: readonly (readonly [string, Partial<DhcpPacket>, ReplyContent["type"], object])[] = [
  ["through the relay", { giaddr: ip("10.9.0.1") }, "offer", { kind: "relay", address: ip("10.9.0.1"), port: 67 }],
  [
    "through a relay that sends from another port (RFC 8357)",
    { giaddr: ip("10.9.0.1"), options: { ...request.options, relayAgentInformation: Uint8Array.of(1, 1, 7, 19, 0) } },
    "offer",
    { kind: "relay", address: ip("10.9.0.1"), port: "source" },
  ],
  ["NAK: broadcast", {}, "nak", { kind: "broadcast", port: 68 }],
  ["address in use", { ciaddr: ip("10.77.0.9") }, "ack", { kind: "client", address: ip("10.77.0.9"), port: 68 }],
  [
    "Q13: ciaddr in a DISCOVER means nothing",
    { ciaddr: ip("10.77.0.9"), flags: broadcastFlag },
    "offer",
    { kind: "broadcast", port: 68 },
  ],
  ["broadcast bit", { flags: broadcastFlag }, "offer", { kind: "broadcast", port: 68 }],
  ["neither", {}, "offer", { kind: "hardware", address: ip("10.77.0.50"), mac, port: 68 }],
  ["no Ethernet address", { hlen: 16 }, "offer", { kind: "broadcast", port: 68 }],
];
for (const [title, fields, type, expected] of destinations)
  test(`destination: ${title}`, () => {
    const from = { ...request, ...fields };
    const content: ReplyContent = type === "nak" ? { type, server, message: "no" } : { ...offer, type };
    assert.deepEqual(replyDestination(from, replyTo(from, content)), expected);
  });

test("the client's limit counts 28 bytes of headers, is at least 576 and never above EDK2's 1472", () => {
  const limit = (maximumDhcpMessageSize: number) => replyLimit({ ...request, options: { maximumDhcpMessageSize } });
  assert.deepEqual([limit(1472), limit(100), limit(9000)], [1444, 548, 1472]);
  assert.equal(replyLimit({ ...request, options: {} }), 548);
});

const messages: readonly (readonly [string, Partial<DhcpPacket>, DhcpPacket["options"], object])[] = [
  ["a reply", { op: 2 }, { dhcpMessageType: "offer" }, { kind: "notForServers", why: "aReply" }],
  ["no type", {}, {}, { kind: "notForServers", why: "bootp" }],
  ["server's type", {}, { dhcpMessageType: "ack" }, { kind: "notForServers", why: "serverMessage" }],
  ["discover", {}, { dhcpMessageType: "discover" }, { kind: "discover" }],
  [
    "selecting",
    {},
    { dhcpMessageType: "request", requestedIpAddress: ip("1.2.3.4"), serverIdentifier: server },
    { kind: "selecting", server, address: ip("1.2.3.4") },
  ],
  [
    "init-reboot",
    {},
    { dhcpMessageType: "request", requestedIpAddress: ip("1.2.3.4") },
    { kind: "initReboot", address: ip("1.2.3.4") },
  ],
  [
    "renewing",
    { ciaddr: ip("1.2.3.4") },
    { dhcpMessageType: "request" },
    { kind: "extending", address: ip("1.2.3.4") },
  ],
  ["request of nothing", {}, { dhcpMessageType: "request" }, { kind: "notForServers", why: "incompleteRequest" }],
  [
    "decline",
    {},
    { dhcpMessageType: "decline", requestedIpAddress: ip("1.2.3.4") },
    { kind: "decline", address: ip("1.2.3.4") },
  ],
  ["decline of nothing", {}, { dhcpMessageType: "decline" }, { kind: "notForServers", why: "incompleteRequest" }],
  ["release", { ciaddr: ip("1.2.3.4") }, { dhcpMessageType: "release" }, { kind: "release", address: ip("1.2.3.4") }],
  ["inform", { ciaddr: ip("1.2.3.4") }, { dhcpMessageType: "inform" }, { kind: "inform", address: ip("1.2.3.4") }],
];
for (const [title, fields, options, expected] of messages)
  test(`message: ${title}`, () => assert.deepEqual(classifyMessage({ ...request, ...fields, options }), expected));

test("a built reply survives the wire", () => {
  const reply = replyTo(request, offer);
  assert.deepEqual(readDhcp(writeDhcp(reply, replyLimit(request))), { kind: "packet", packet: reply });
});

test("a pool gives each MAC its own address, the same one again, and says when it is exhausted", () => {
  const pool = { first: ip("10.77.0.50"), last: ip("10.77.0.53") };
  const held = new Map<Ipv4, Holder>();
  const give = (text: string, wanted?: Ipv4) => {
    const client = macOf(text);
    const choice = chooseAddress(pool, { mac: client, wanted, holderOf: (address) => held.get(address) });
    if (choice.kind === "address") held.set(choice.address, { kind: "machine", mac: client });
    return choice;
  };
  const macs = ["525400000001", "525400000002", "525400000003", "525400000004"];
  const given = macs.map((one) => give(one));
  assert.equal(new Set(given.map((choice) => choice.kind === "address" && choice.address)).size, 4);
  assert.deepEqual(
    macs.map((one) => give(one)),
    given,
  );
  assert.deepEqual(give("525400000005"), { kind: "exhausted", size: 4 });
  held.set(pool.first, { kind: "declined" });
  held.delete(ip("10.77.0.53"));
  assert.deepEqual(give("525400000005"), { kind: "address", address: ip("10.77.0.53") });
  held.clear();
  assert.deepEqual(give("525400000006", ip("10.77.0.51")), { kind: "address", address: ip("10.77.0.51") });
  assert.notDeepEqual(give("525400000007", ip("10.77.0.51")), { kind: "address", address: ip("10.77.0.51") });
  assert.notDeepEqual(give("525400000007", ip("10.99.0.1")), { kind: "address", address: ip("10.99.0.1") });
});

test("a search that skips full blocks finds what a search of each address finds, and a full /8 takes no time", () => {
  const pool = { first: ip("10.76.255.7"), last: ip("10.79.0.20") };
  const size = poolSize(pool);
  for (const free of [[], [0], [size - 1], [300, 70_000], [1, 65_785, 131_321]]) {
    const isFree = (address: Ipv4) => free.includes(address - pool.first);
    const holderOf = (address: Ipv4): Holder | undefined => (isFree(address) ? undefined : { kind: "machine", mac });
    const recordedIn = (first: Ipv4, last: Ipv4) =>
      last - first + 1 - free.filter((at) => pool.first + at >= first && pool.first + at <= last).length;
    for (const text of ["525400000001", "52540000ffff"]) {
      const client = { mac: macOf(text), wanted: undefined, holderOf };
      assert.deepEqual(chooseAddress(pool, { ...client, recordedIn }), chooseAddress(pool, client));
    }
  }
  let looks = 0;
  const all = { first: ip("10.0.0.0"), last: ip("10.255.255.255") };
  const choice = chooseAddress(all, {
    ...{ mac: macOf("52540000ffff"), wanted: undefined, recordedIn: (first, last) => last - first + 1 },
    holderOf: () => {
      looks += 1;
      return { kind: "machine", mac };
    },
  });
  assert.deepEqual([choice.kind, looks < 256], ["exhausted", true]);
});

test("an offer is kept for its client for a while, and not too many of them", () => {
  const reservations: Reservations = new Map();
  reserveFor(reservations, server, { mac, leaseMs: offerMs, nowMs: 0 });
  assert.deepEqual(reservedFor(reservations, server, offerMs - 1), { kind: "machine", mac });
  assert.equal(reservedFor(reservations, server, offerMs), undefined);
  reserveFor(reservations, server, { mac, leaseMs: 1, nowMs: 0 });
  assert.deepEqual(reservedFor(reservations, server, offerMs - 1), { kind: "machine", mac });
  for (let address = 0; address < 70_000; address += 1)
    reserveFor(reservations, address as Ipv4, { mac, leaseMs: offerMs, nowMs: 0 });
  assert.ok(reservations.size <= 65_536);
  assert.equal(reservedFor(reservations, 0 as Ipv4, 1), undefined);
  assert.deepEqual(reservedFor(reservations, 10_000 as Ipv4, 1), { kind: "machine", mac });
});
