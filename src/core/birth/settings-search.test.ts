import assert from "node:assert/strict";
import { test } from "node:test";
import { clientFrame, readServerFrame } from "../dhcp/client-frame.ts";
import type { DhcpPacket } from "../dhcp/codec/packet.ts";
import { writeDhcp } from "../dhcp/codec/write.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import { formatIpv4, type Ipv4 } from "../net/ipv4.ts";
import { macToBytes } from "../net/mac.ts";
import { udpPacket } from "../net/pcap.ts";
import { ip, macOf } from "../net/testing/addresses.ts";
import type { Network } from "../network/network.ts";
import { testNetworkOfOnePart } from "../network/testing/test-network.ts";
import { decideByMode } from "../pxe/decide-by-mode.ts";
import { beginSearch, type SearchStep, stepSearch } from "./settings-search.ts";

const mac = macOf("52:54:00:00:00:01");
const machine = testMachine("birth", { temporaryAddress: ip("10.77.0.60") });

/** What Birther answers on a network to what the search sends. */
function birther(changes: Partial<Network>, log?: number) {
  const network = testNetworkOfOnePart({ secureBoot: true, secureBootKey: "own", ...changes });
  return (packet: DhcpPacket): readonly DhcpPacket[] => {
    const ports = { http: 80, machines: 443, ...(log === undefined ? {} : { log }) };
    const question = { packet, network, ports, machine, holderOf: () => undefined };
    const decision = decideByMode(question, true);
    return decision.kind === "reply" ? [decision.reply] : [];
  };
}

/** Another DHCP server, which leases 10.77.0.123 and knows no boot files. */
function otherServer(packet: DhcpPacket): readonly DhcpPacket[] {
  const type = packet.options.dhcpMessageType === "discover" ? "offer" : "ack";
  const options = {
    dhcpMessageType: type,
    serverIdentifier: ip("10.77.0.2"),
    subnetMask: ip("255.255.255.0"),
  } as const;
  return [{ ...packet, op: 2, yiaddr: ip("10.77.0.123"), options }];
}

/** Lets a search and servers talk; the messages that it sent, and its end. */
function talk(servers: readonly ((packet: DhcpPacket) => readonly DhcpPacket[])[], rounds = 10) {
  const sent: string[] = [];
  let nowMs = 1000;
  let step: SearchStep = stepSearch(beginSearch(mac, 7), undefined, nowMs);
  for (let round = 0; round < rounds && step.kind === "waiting"; round += 1) {
    const { send } = step;
    if (send !== undefined) sent.push(send.options.dhcpMessageType ?? "");
    const answers = send === undefined ? [] : servers.flatMap((server) => server(send));
    for (const answer of answers) if (step.kind === "waiting") step = stepSearch(step.search, answer, nowMs);
    if (answers.length > 0) continue;
    nowMs = step.kind === "waiting" ? step.wakeAtMs : nowMs;
    if (step.kind === "waiting") step = stepSearch(step.search, undefined, nowMs);
  }
  return { sent, step };
}

const found = { leasedBy: ip("10.77.0.1"), prefixLength: 24, server: { address: ip("10.77.0.1"), port: 80 } } as const;
const path = "/boot/52-54-00-00-00-01.settings";

test("where Birther leases, two messages find the address and the settings", () => {
  const { sent, step } = talk([birther({})]);
  assert.deepEqual(sent, ["discover", "request"]);
  assert.deepEqual(step, { kind: "found", place: { ...found, address: ip("10.77.0.60"), path } });
});

test("beside another DHCP server, its lease and Birther's settings are taken, in either order", () => {
  const proxy = birther({ mode: "proxy" });
  for (const servers of [
    [proxy, otherServer],
    [otherServer, proxy],
  ]) {
    const { sent, step } = talk(servers);
    assert.deepEqual(sent, ["discover", "request"]);
    assert.deepEqual(step, {
      kind: "found",
      place: { ...found, leasedBy: ip("10.77.0.2"), address: ip("10.77.0.123"), path },
    });
  }
});

test("a lease of Birther's own replaces the one of another server", () => {
  const { step } = talk([otherServer, birther({})]);
  assert.equal(step.kind === "found" && formatIpv4(step.place.address), "10.77.0.60");
});

test("where log lines may go is learned with the place of the settings, if it is their server and the port of syslog", () => {
  const logOf = (servers: Parameters<typeof talk>[0]) => {
    const { step } = talk(servers);
    return step.kind === "found" ? step.place.log : assert.fail();
  };
  const log = { address: ip("10.77.0.1"), port: 514 };
  assert.deepEqual(logOf([birther({}, 514)]), log);
  assert.deepEqual(logOf([otherServer, birther({ mode: "proxy" }, 514)]), log);
  assert.equal(logOf([birther({}, 5140)]), undefined);
  assert.equal(logOf([birther({})]), undefined);
  const named = (logServers: readonly Ipv4[]) => (packet: DhcpPacket) =>
    birther({})(packet).map((answer) => ({ ...answer, options: { ...answer.options, logServers } }));
  assert.deepEqual(logOf([named([ip("10.77.0.9"), ip("10.77.0.1")])]), log);
  assert.equal(logOf([named([ip("10.77.0.9")])]), undefined, "a third host");
  // Another server's own log server is not Birther's.
  const other = (packet: DhcpPacket) =>
    otherServer(packet).map((answer) => ({ ...answer, options: { ...answer.options, logServers: [ip("10.77.0.2")] } }));
  assert.equal(logOf([other, birther({ mode: "proxy" })]), undefined);
});

test("beside another DHCP server, the request to it tells Birther whose lines come from the leased address", () => {
  const network = testNetworkOfOnePart({ secureBoot: true, secureBootKey: "own", mode: "proxy" });
  const known = testMachine("birth", {});
  const question = { network, ports: { http: 80, machines: 443 }, machine: known, holderOf: () => undefined };
  const noted: unknown[] = [];
  talk([
    otherServer,
    birther({ mode: "proxy" }),
    (packet) => {
      const decision = decideByMode({ ...question, packet }, true);
      if ("noted" in decision) noted.push(decision.noted);
      return [];
    },
  ]);
  assert.deepEqual(noted, [{ kind: "addressSeen", id: known.id, address: ip("10.77.0.123") }]);
});

test("a machine that is sent to its disk is not told where log lines go: they would be dropped", () => {
  const network = testNetworkOfOnePart({ secureBoot: true, secureBootKey: "own" });
  const step = stepSearch(beginSearch(mac, 7), undefined, 0);
  const packet = (step.kind === "waiting" && step.send) || assert.fail();
  const ports = { http: 80, machines: 443, log: 514 };
  const logServersFor = (state: "birth" | "healthy") => {
    const known = testMachine(state, { temporaryAddress: ip("10.77.0.60") });
    const decision = decideByMode({ packet, network, ports, machine: known, holderOf: () => undefined }, true);
    return decision.kind === "reply" ? decision.reply.options.logServers : assert.fail();
  };
  assert.deepEqual(logServersFor("birth"), [ip("10.77.0.1")]);
  assert.equal(logServersFor("healthy"), undefined);
});

test("a lease without settings is not enough: the search asks again", () => {
  const { sent, step } = talk([otherServer], 3);
  assert.equal(step.kind, "waiting");
  assert.ok(!sent.includes("request"));
});

const strangers: readonly (readonly [title: string, change: (packet: DhcpPacket) => DhcpPacket])[] = [
  ["another transaction", (packet) => ({ ...packet, xid: packet.xid + 1 })],
  [
    "another machine",
    (packet) => ({ ...packet, chaddr: Uint8Array.from([2, 0, 0, 0, 0, 9, ...new Array(10).fill(0)]) }),
  ],
  ["a request", (packet) => ({ ...packet, op: 1 })],
  ["settings of another machine", (packet) => renamed(packet, "http://10.77.0.9/boot/52-54-00-00-00-02.settings")],
  ["settings by another protocol", (packet) => renamed(packet, `ftp://10.77.0.9${path}`)],
  ["settings at a name", (packet) => renamed(packet, `http://example.org${path}`)],
];
for (const [title, change] of strangers)
  test(`an answer does not count: ${title}`, () => {
    const { step } = talk([(packet) => birther({})(packet).map(change)], 3);
    assert.equal(step.kind, "waiting");
  });

function renamed(packet: DhcpPacket, name: string): DhcpPacket {
  const { bootFileName: _, ...options } = packet.options;
  return { ...packet, file: name, options };
}

test("a NAK, and a lost acknowledgement, begin the search again", () => {
  const serve = birther({});
  let refusals = 2;
  const { sent, step } = talk([
    (packet) => {
      if (packet.options.dhcpMessageType !== "request" || refusals === 0) return serve(packet);
      refusals -= 1;
      const nak = { dhcpMessageType: "nak", serverIdentifier: ip("10.77.0.1") } as const;
      return refusals === 1 ? [{ ...packet, op: 2, options: nak }] : [];
    },
  ]);
  assert.deepEqual(sent, ["discover", "request", "discover", "request", "discover", "request"]);
  assert.equal(step.kind, "found");
});

test("a message survives its frame; what is not a server's message is not read", () => {
  const step = stepSearch(beginSearch(mac, 7), undefined, 0);
  const sent = step.kind === "waiting" ? step.send : undefined;
  assert.ok(sent);
  const [offer] = birther({})(sent);
  assert.ok(offer);
  const source = { address: ip("10.77.0.1"), port: 67 };
  const frameOf = (port: number) =>
    Uint8Array.from([
      ...macToBytes(mac),
      ...[2, 0, 0, 0, 0, 1, 8, 0],
      ...udpPacket({ source, destination: { address: ip("10.77.0.60"), port }, payload: writeDhcp(offer) }),
    ]);
  const read = readServerFrame(frameOf(68));
  assert.equal(read?.options.bootFileName, offer.options.bootFileName);
  assert.equal(readServerFrame(frameOf(69)), undefined);
  assert.equal(readServerFrame(clientFrame(mac, sent)), undefined);
  for (let length = 0; length < 60; length += 1)
    assert.equal(readServerFrame(frameOf(68).subarray(0, length)), undefined);
});
