import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { capturedDiscover } from "../../../tests/support/captures.ts";
import { runs } from "../../../tests/support/runs.ts";
import { bytesFromText, hexFromBytes } from "../bytes/text.ts";
import type { DhcpOptions } from "../dhcp/codec/option-table.ts";
import type { DhcpPacket } from "../dhcp/codec/packet.ts";
import { readDhcp } from "../dhcp/codec/read.ts";
import { writeDhcp } from "../dhcp/codec/write.ts";
import type { Holder } from "../dhcp/pool/address-pool.ts";
import { machineArchitectures } from "../machine/architecture.ts";
import { machineIdFromMac } from "../machine/life/move.ts";
import type { Machine } from "../machine/record.ts";
import type { MachineState } from "../machine/state.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import { formatIpv4, type Ipv4 } from "../net/ipv4.ts";
import { ip, macOf } from "../net/testing/addresses.ts";
import type { Network } from "../network/network.ts";
import { testNetwork } from "../network/testing/test-network.ts";
import type { UnreadableRecord } from "../ports.ts";
import { classifyClient } from "./client.ts";
import { decideDhcp } from "./decide.ts";
import type { DhcpDecision, DhcpQuestion } from "./decision.ts";
import { leasing } from "./lease.ts";

const mac = macOf("52:54:00:00:00:01");
const nursery = testNetwork();
const office: Network = { ...nursery, nursery: false };
const ports = { http: 80, machines: 443 };

const machine = (state: MachineState): Machine => testMachine(state, { temporaryAddress: ip("10.77.0.60") });

const edk2 = capturedDiscover("ovmf-2022.11-own-pxe");
const biosIpxe = capturedDiscover("seabios-ipxe-virtio-rom");
const uefiIpxe = capturedDiscover("ovmf-2022.11-ipxe-virtio-rom");
const { userClass: _, etherbootEncapsulated: __, ...romOptions } = biosIpxe.options;
const biosRom: DhcpPacket = { ...biosIpxe, options: romOptions };
const http: DhcpPacket = {
  ...edk2,
  options: {
    ...edk2.options,
    vendorClassIdentifier: "HTTPClient:Arch:00016:UNDI:003000",
    clientSystemArchitecture: [16],
  },
};
const plain: DhcpPacket = {
  ...edk2,
  options: { dhcpMessageType: "discover", parameterRequestList: [1, 3, 12], vendorClassIdentifier: "udhcp 1.35" },
};
const unknownArchitecture: DhcpPacket = { ...edk2, options: { ...edk2.options, clientSystemArchitecture: [6] } };

/** An arm64 server's firmware, and iPXE on it. */
const arm64: DhcpPacket = {
  ...edk2,
  options: {
    ...edk2.options,
    vendorClassIdentifier: "PXEClient:Arch:00011:UNDI:003000",
    clientSystemArchitecture: [11],
  },
};
const arm64Http: DhcpPacket = {
  ...http,
  options: {
    ...http.options,
    vendorClassIdentifier: "HTTPClient:Arch:00019:UNDI:003000",
    clientSystemArchitecture: [19],
  },
};
const arm64Ipxe: DhcpPacket = { ...uefiIpxe, options: { ...uefiIpxe.options, clientSystemArchitecture: [11] } };
const bothImages = { images: new Set(machineArchitectures) };

type Given = Partial<Pick<DhcpQuestion, "network" | "machine" | "holderOf" | "givenTo" | "unreadable" | "images">>;
const decide = (packet: DhcpPacket, given: Given = {}): DhcpDecision =>
  decideDhcp({ packet, network: nursery, ports, machine: undefined, holderOf: () => undefined, ...given }, leasing);

/** The REQUEST that follows an offer. */
function requestAfter(packet: DhcpPacket, address: string, server: string): DhcpPacket {
  const more: DhcpOptions = {
    dhcpMessageType: "request",
    requestedIpAddress: ip(address),
    serverIdentifier: ip(server),
  };
  return { ...packet, options: { ...packet.options, ...more } };
}

/** A decision in one line. */
function line(decision: DhcpDecision): string {
  if (decision.kind !== "reply") return decision.kind === "silence" ? `silence ${decision.why}` : decision.kind;
  const { answer, reply, destination } = decision;
  const what =
    answer.kind === "loader"
      ? answer.file
      : "uri" in answer
        ? answer.uri
        : answer.kind === "local"
          ? answer.method
          : "";
  return [reply.options.dhcpMessageType, formatIpv4(reply.yiaddr), answer.kind, what, destination.kind]
    .filter(Boolean)
    .join(" ");
}

const born = "http://10.77.0.1/boot/52-54-00-00-00-01.ipxe";
const known = "http://10.77.1.1/boot/52-54-00-00-00-01.ipxe";
/** Given up by an operator: no name, no address, and the nursery does not make it new. */
const retired: Machine = { ...machine("unknown"), conditions: [{ kind: "retired", reason: "sold", sinceMs: 0 }] };
/** The NIC that asks was found in another machine as well. */
const disputed = (state: MachineState): Machine => ({ ...machine(state), disputedMacs: [mac] });
const discovers: readonly (readonly [title: string, DhcpPacket, Given, expected: string])[] = [
  ["EDK2, birth", edk2, { machine: machine("birth") }, "offer 10.77.0.60 loader snponly.efi broadcast"],
  ["EDK2, rebirth", edk2, { machine: machine("rebirth") }, "offer 10.77.1.71 loader snponly.efi broadcast"],
  ["EDK2, clean", edk2, { machine: machine("clean") }, "offer 10.77.1.71 loader snponly.efi broadcast"],
  ["EDK2, healthy", edk2, { machine: machine("healthy") }, "offer 10.77.1.71 local offerThenNak broadcast"],
  ["EDK2, retired", edk2, { machine: retired }, "offer 10.77.0.60 local offerThenNak broadcast"],
  ["EDK2, rebirth, disputed", edk2, { machine: disputed("rebirth") }, "offer 10.77.0.222 local offerThenNak broadcast"],
  ["EDK2, healthy, disputed", edk2, { machine: disputed("healthy") }, "offer 10.77.0.222 local offerThenNak broadcast"],
  ["BIOS ROM, birth", biosRom, { machine: machine("birth") }, "offer 10.77.0.60 loader undionly.kpxe hardware"],
  ["BIOS ROM, healthy", biosRom, { machine: machine("healthy") }, "offer 10.77.1.71 local localBootMenu hardware"],
  ["BIOS iPXE, birth", biosIpxe, { machine: machine("birth") }, `offer 10.77.0.60 script ${born} hardware`],
  ["BIOS iPXE, healthy", biosIpxe, { machine: machine("healthy") }, `offer 10.77.1.71 script ${known} hardware`],
  ["UEFI iPXE, clean", uefiIpxe, { machine: machine("clean") }, `offer 10.77.1.71 script ${known} hardware`],
  [
    "HTTP boot, birth",
    http,
    { machine: machine("birth") },
    "offer 10.77.0.60 httpLoader http://10.77.0.1/snponly.efi broadcast",
  ],
  ["HTTP boot, healthy", http, { machine: machine("healthy") }, "offer 10.77.1.71 local offerThenNak broadcast"],
  [
    "32-bit UEFI: no loader",
    unknownArchitecture,
    { machine: machine("birth") },
    "offer 10.77.0.60 local offerThenNak broadcast",
  ],
  [
    "arm64, birth",
    arm64,
    { machine: machine("birth"), ...bothImages },
    "offer 10.77.0.60 loader ipxe-arm64.efi broadcast",
  ],
  [
    "arm64 HTTP boot, birth",
    arm64Http,
    { machine: machine("birth"), ...bothImages },
    "offer 10.77.0.60 httpLoader http://10.77.0.1/ipxe-arm64.efi broadcast",
  ],
  ["arm64, no image: its disk", arm64, { machine: machine("birth") }, "offer 10.77.0.60 local offerThenNak broadcast"],
  [
    "arm64 HTTP boot, no image: its disk",
    arm64Http,
    { machine: machine("birth") },
    "offer 10.77.0.60 local offerThenNak broadcast",
  ],
  [
    "arm64 iPXE, no image: the script says so",
    arm64Ipxe,
    { machine: machine("birth") },
    `offer 10.77.0.60 script ${born} hardware`,
  ],
  ["plain, healthy", plain, { machine: machine("healthy") }, "offer 10.77.1.71 lease broadcast"],
  ["plain, birth", plain, { machine: machine("birth") }, "offer 10.77.0.60 lease broadcast"],
  ["plain, unknown", plain, {}, "silence unknownClient"],
  [
    "record of state unknown, elsewhere",
    edk2,
    { machine: machine("unknown"), network: office },
    "offer 10.77.0.60 local offerThenNak broadcast",
  ],
  [
    "record of state unknown, nursery",
    edk2,
    { machine: machine("unknown") },
    "offer 10.77.0.60 loader snponly.efi broadcast",
  ],
  ["through a relay", { ...edk2, giaddr: ip("10.77.0.9") }, {}, "offer 10.77.0.222 loader snponly.efi relay"],
  ["through a loop of relays", { ...edk2, giaddr: ip("10.77.0.9"), hops: 17 }, {}, "silence tooManyHops"],
  ["through a relay at the broadcast address", { ...edk2, giaddr: ip("10.77.0.255") }, {}, "silence badRelayAddress"],
  ["through a relay at the network's address", { ...edk2, giaddr: ip("10.77.0.0") }, {}, "silence badRelayAddress"],
  ["through a relay at the permanent part's", { ...edk2, giaddr: ip("10.77.1.255") }, {}, "silence badRelayAddress"],
  ["GUID as MAC address (Q8)", { ...edk2, hlen: 16 }, {}, "silence noEthernetAddress"],
  ["BOOTP", { ...edk2, options: {} }, {}, "silence bootp"],
];
for (const [title, packet, asked, expected] of discovers)
  test(`DISCOVER: ${title}`, () => assert.equal(line(decide(packet, asked)), expected));

test("a request tells the record the machine's architecture, and whether the server has no image to install it with", () => {
  const seen = (packet: DhcpPacket, given: Given) => {
    const decision = decide(packet, given);
    const { architecture, withoutImage } = ("seen" in decision && decision.seen) || {};
    return `${architecture ?? "-"} ${withoutImage ?? "-"}`;
  };
  for (const packet of [edk2, biosRom, biosIpxe, uefiIpxe, http, unknownArchitecture])
    assert.equal(seen(packet, { machine: machine("birth") }), "- -");
  for (const packet of [arm64, arm64Http, arm64Ipxe]) {
    assert.equal(seen(packet, { machine: machine("birth"), ...bothImages }), "arm64 -");
    assert.equal(seen(packet, { machine: machine("birth") }), "arm64 true");
    assert.equal(seen(packet, {}), "arm64 true", "a nursery would install it");
    assert.equal(seen(packet, { machine: machine("healthy") }), "arm64 -", "its disk needs no image of the server");
  }
});

const requests: readonly (readonly [title: string, DhcpPacket, Given, expected: string])[] = [
  [
    "EDK2 takes our offer",
    requestAfter(edk2, "10.77.0.60", "10.77.0.1"),
    { machine: machine("birth") },
    "ack 10.77.0.60 loader snponly.efi broadcast",
  ],
  [
    "EDK2, healthy: refused at once",
    requestAfter(edk2, "10.77.1.71", "10.77.1.1"),
    { machine: machine("healthy") },
    "nak 0.0.0.0 local offerThenNak broadcast",
  ],
  [
    "HTTP boot, healthy: refused at once",
    requestAfter(http, "10.77.1.71", "10.77.1.1"),
    { machine: machine("healthy") },
    "nak 0.0.0.0 local offerThenNak broadcast",
  ],
  [
    "BIOS ROM, healthy: the menu again",
    requestAfter(biosRom, "10.77.1.71", "10.77.1.1"),
    { machine: machine("healthy") },
    "ack 10.77.1.71 local localBootMenu hardware",
  ],
  [
    "iPXE: script again",
    requestAfter(biosIpxe, "10.77.0.60", "10.77.0.1"),
    { machine: machine("birth") },
    `ack 10.77.0.60 script ${born} hardware`,
  ],
  [
    "state changed between offer and request",
    requestAfter(biosIpxe, "10.77.0.60", "10.77.0.1"),
    { machine: machine("rebirth") },
    `nak 0.0.0.0 script ${known} broadcast`,
  ],
  [
    "another server's offer",
    requestAfter(edk2, "10.77.0.60", "10.77.0.2"),
    { machine: machine("birth") },
    "silence tookAnotherOffer",
  ],
];
for (const [title, packet, asked, expected] of requests)
  test(`REQUEST: ${title}`, () => assert.equal(line(decide(packet, asked)), expected));

test("an unknown machine is born on a nursery and boots locally elsewhere; both are recorded", () => {
  const here = decide(edk2);
  assert.match(line(here), /^offer 10\.77\.0\.\d+ loader snponly.efi broadcast$/);
  assert.deepEqual(here.kind === "reply" && here.seen, {
    ...{ kind: "pxeAsked", mac, firmware: "uefi", network: "rack", nursery: true, stage: "firmware", answer: "loader" },
    address: here.kind === "reply" && here.reply.yiaddr,
  });
  const there = decide(edk2, { network: office });
  assert.match(line(there), /^offer 10\.77\.0\.\d+ local offerThenNak broadcast$/);
  const { seen } = there.kind === "reply" ? there : assert.fail();
  assert.deepEqual([seen?.answer, seen?.nursery, seen?.address], ["local: offerThenNak", false, undefined]);
});

test("a machine with its permanent address has none of the pool in its event; plain DHCP has no event at all", () => {
  const healthy = decide(edk2, { machine: machine("healthy") });
  assert.equal(healthy.kind === "reply" && "address" in (healthy.seen ?? {}), false);
  const leased = decide(plain, { machine: machine("healthy") });
  assert.equal(leased.kind === "reply" && leased.seen, undefined);
});

test("rebirth of a machine whose permanent address is not of this wire goes on with a temporary one", () => {
  const temporary = { temporaryAddress: ip("10.77.0.60"), permanentAddress: ip("192.0.2.9") };
  const moved = testMachine("rebirth", temporary);
  assert.equal(line(decide(edk2, { machine: moved })), "offer 10.77.0.60 loader snponly.efi broadcast");
});

test("a machine whose record cannot be read keeps its address and its system, and nothing of it is recorded", () => {
  const damaged: UnreadableRecord = { id: machineIdFromMac(mac), fault: "state: …", claims: [], macs: [mac] };
  const permanent = { unreadable: { ...damaged, permanentAddress: ip("10.77.1.71") } };
  const temporary = { unreadable: { ...damaged, temporaryAddress: ip("10.77.0.60") } };
  const renewal = {
    ...plain,
    ciaddr: ip("10.77.1.71"),
    options: { ...plain.options, dhcpMessageType: "request" },
  } as const;
  const rows: readonly (readonly [DhcpPacket, Given, RegExp])[] = [
    [edk2, permanent, /^offer 10\.77\.1\.71 local offerThenNak broadcast$/],
    [biosRom, permanent, /^offer 10\.77\.1\.71 local localBootMenu hardware$/],
    [biosIpxe, permanent, /^offer 10\.77\.1\.71 script http.* hardware$/],
    [edk2, temporary, /^offer 10\.77\.0\.60 local offerThenNak broadcast$/],
    [edk2, { unreadable: damaged }, /^offer 10\.77\.0\.\d+ local offerThenNak broadcast$/],
    [plain, permanent, /^offer 10\.77\.1\.71 lease broadcast$/],
    [renewal, permanent, /^ack 10\.77\.1\.71 lease client$/],
  ];
  for (const [packet, given, expected] of rows) {
    const decision = decide(packet, given);
    assert.match(line(decision), expected);
    assert.equal(decision.kind === "reply" && decision.seen, undefined);
  }
});

test("an exhausted pool is silent towards the client, and on the machine's record", () => {
  const decision = decide(edk2, { holderOf: () => ({ kind: "declined" }) });
  assert.equal(line(decision), "silence poolExhausted");
  assert.equal(decision.kind === "silence" && decision.seen?.answer, "none");
});

test("a declined address is believed from its holder only, and the next offer is another one", () => {
  const options: DhcpOptions = {
    dhcpMessageType: "decline",
    requestedIpAddress: ip("10.77.0.60"),
    serverIdentifier: ip("10.77.0.1"),
  };
  const decline = { ...edk2, options };
  const holderIs = { holderOf: (): Holder => ({ kind: "machine", mac }) };
  assert.equal(line(decide(decline)), "silence declinedWithoutOffer");
  assert.equal(line(decide(decline, { givenTo: () => true })), "silence declinedWithoutOffer", "it is not the holder");
  const declined = { kind: "declined", address: ip("10.77.0.60"), mac };
  assert.deepEqual(decide(decline, { ...holderIs, givenTo: () => true }), { ...declined, given: true });
  assert.deepEqual(
    decide(decline, holderIs),
    { ...declined, given: false },
    "to be proven: nothing was given to it just now",
  );
  const holderOf = (address: Ipv4): Holder | undefined =>
    address === ip("10.77.0.60") ? { kind: "declined" } : undefined;
  assert.doesNotMatch(line(decide(edk2, { machine: machine("birth"), holderOf })), /10\.77\.0\.60/);
});

test("a renewal of the right address is confirmed by unicast, of a wrong one refused, a stranger's ignored", () => {
  const renew = (address: string): DhcpPacket => ({
    ...plain,
    ciaddr: ip(address),
    options: { ...plain.options, dhcpMessageType: "request" },
  });
  assert.equal(line(decide(renew("10.77.1.71"), { machine: machine("healthy") })), "ack 10.77.1.71 lease client");
  assert.equal(line(decide(renew("10.77.1.72"), { machine: machine("healthy") })), "nak 0.0.0.0 lease broadcast");
  assert.equal(line(decide(renew("10.77.1.71"))), "silence unknownClient");
});

test("INFORM is answered without address and lease, RELEASE not at all", () => {
  const inform: DhcpPacket = {
    ...plain,
    ciaddr: ip("10.77.1.71"),
    options: { ...plain.options, dhcpMessageType: "inform" },
  };
  const decision = decide(inform, { machine: machine("healthy") });
  assert.equal(line(decision), "ack 0.0.0.0 lease client");
  assert.equal(decision.kind === "reply" && decision.reply.options.ipAddressLeaseTime, undefined);
  assert.equal(decision.kind === "reply" && decision.reply.options.hostName, "r01u07");
  const release: DhcpPacket = { ...inform, options: { dhcpMessageType: "release" } };
  assert.equal(line(decide(release, { machine: machine("healthy") })), "silence released");
});

test("the forms that firmware needs: no option 60 for EDK2's loader (Q2), 175/176 for iPXE, a type 0 menu for BIOS ROMs", () => {
  const options = (packet: DhcpPacket, state: MachineState): DhcpOptions => {
    const decision = decide(packet, { machine: machine(state) });
    return decision.kind === "reply" ? decision.reply.options : assert.fail();
  };
  const loader = options(edk2, "birth");
  assert.deepEqual(
    [loader.vendorClassIdentifier, loader.vendorSpecificInformation, loader.bootFileName],
    [undefined, undefined, "snponly.efi"],
  );
  assert.deepEqual(loader.clientMachineIdentifier, edk2.options.clientMachineIdentifier);
  assert.equal(hexFromBytes(options(biosIpxe, "birth").etherbootEncapsulated ?? new Uint8Array()), "b00101ff");
  const menu = options(biosRom, "healthy");
  assert.equal(menu.vendorClassIdentifier, "PXEClient");
  assert.match(hexFromBytes(menu.vendorSpecificInformation ?? new Uint8Array()), /^0601030917000014/);
  assert.equal(options(http, "birth").vendorClassIdentifier, "HTTPClient");
});

test("iPXE is known by its user class, counted or not, and by option 175", () => {
  const withClass = (userClass: Uint8Array) =>
    classifyClient({ ...biosRom, options: { ...biosRom.options, userClass } }).kind;
  assert.equal(withClass(bytesFromText("iPXE")), "ipxe");
  assert.equal(withClass(bytesFromText("\x04iPXE")), "ipxe");
  assert.equal(withClass(bytesFromText("MSFT")), "pxe");
  assert.equal(classifyClient(biosRom).kind, "pxe");
});

test("no packet makes the decision throw, and whatever is sent fits", () => {
  const states = fc.option(fc.constantFrom<MachineState>("unknown", "birth", "healthy", "rebirth", "clean"));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), states, fc.nat(420), (noise, state, at) => {
      const bytes = writeDhcp(edk2);
      bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
      const result = readDhcp(bytes);
      if (result.kind === "malformed") return;
      const decision = decide(result.packet, { machine: state === null ? undefined : machine(state) });
      if (decision.kind === "reply") assert.ok(writeDhcp(decision.reply).length <= 1472);
    }),
    { numRuns: runs(2000) },
  );
});

const request = (packet: DhcpPacket) => requestAfter(packet, "10.77.0.60", "10.77.0.1");
const waiting: readonly (readonly [title: string, DhcpPacket, notified: boolean])[] = [
  ["iPXE that gets its address", request(biosIpxe), true],
  ["iPXE that is only offered one", biosIpxe, false],
  ["iPXE that is refused", requestAfter(biosIpxe, "10.77.0.61", "10.77.0.1"), false],
  ["iPXE behind a relay", { ...request(biosIpxe), giaddr: ip("10.77.0.9") }, false],
  ["EDK2", request(edk2), false],
];
for (const [title, packet, notified] of waiting)
  test(`${title} is ${notified ? "" : "not "}told that there is no IPv6 router`, () => {
    const decision = decide(packet, { machine: machine("birth") });
    assert.equal(decision.kind === "reply" && decision.noRouter, notified ? mac : undefined);
  });
