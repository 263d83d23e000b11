import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../../tests/support/runs.ts";
import { bytesFromHex, hexFromBytes } from "../../bytes/text.ts";
import { type Ipv4, isUnicast, noAddress } from "../../net/ipv4.ts";
import { ip } from "../../net/testing/addresses.ts";
import type { DhcpOptions } from "./option-table.ts";
import { broadcastFlag, clientMac, type DhcpPacket } from "./packet.ts";
import { readDhcp } from "./read.ts";
import { readSubOptions, writeSubOptions } from "./sub-options.ts";
import { writeDhcp } from "./write.ts";

const blank: DhcpPacket = {
  ...{ op: 1, htype: 1, hlen: 6, hops: 0, xid: 0x12345678, secs: 4, flags: broadcastFlag },
  ...{ ciaddr: noAddress, yiaddr: noAddress, siaddr: noAddress, giaddr: noAddress },
  chaddr: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  ...{ sname: "", file: "", options: {}, otherOptions: new Map() },
};

/** The bytes after the cookie, as the wire has them before padding. */
const rows: readonly (readonly [title: string, options: DhcpOptions, hex: string])[] = [
  ["message type", { dhcpMessageType: "discover" }, "35 01 01 ff"],
  ["an address", { requestedIpAddress: 0x0a4d0032 as Ipv4 }, "32 04 0a4d0032 ff"],
  ["two routers", { routers: [0x0a4d0001, 0x0a4d0002] as Ipv4[] }, "03 08 0a4d0001 0a4d0002 ff"],
  ["lease time above 2^31", { ipAddressLeaseTime: 0xffffffff }, "33 04 ffffffff ff"],
  ["maximum size", { maximumDhcpMessageSize: 1472 }, "39 02 05c0 ff"],
  ["parameter list", { parameterRequestList: [1, 3, 67] }, "37 03 010343 ff"],
  ["host name", { hostName: "r01u07" }, "0c 06 723031753037 ff"],
  ["boot file ends with a zero", { bootFileName: "a.efi" }, "43 06 612e65666900 ff"],
  ["architectures", { clientSystemArchitecture: [7, 16] }, "5d 04 0007 0010 ff"],
  ["user class is bytes", { userClass: Uint8Array.of(0x69, 0x50, 0x58, 0x45) }, "4d 04 69505845 ff"],
  [
    "type, server and lease first, relay information last",
    {
      relayAgentInformation: Uint8Array.of(1, 1, 9),
      hostName: "a",
      ipAddressLeaseTime: 1,
      serverIdentifier: 1 as Ipv4,
      dhcpMessageType: "ack",
    },
    "35 01 05 36 04 00000001 33 04 00000001 0c 01 61 52 03 010109 ff",
  ],
];

for (const [title, options, hex] of rows)
  test(`option, both ways: ${title}`, () => {
    const expected = bytesFromHex(hex) ?? assert.fail("bad hex in the table");
    const written = writeDhcp({ ...blank, options });
    assert.equal(hexFromBytes(written.subarray(240, 240 + expected.length)), hexFromBytes(expected));
    const result = readDhcp(written);
    assert.equal(result.kind, "packet");
    assert.deepEqual(result.kind === "packet" && result.packet.options, options);
  });

/** A message whose options, file and sname fields hold the given bytes. */
function raw(options: string, file = "", sname = ""): Uint8Array {
  const bytes = new Uint8Array(240 + 60);
  bytes.set(writeDhcp(blank).subarray(0, 240));
  bytes.set(bytesFromHex(sname) ?? [], 44);
  bytes.set(bytesFromHex(file) ?? [], 108);
  bytes.set(bytesFromHex(options) ?? [], 240);
  return bytes;
}

function readPacket(bytes: Uint8Array): DhcpPacket {
  const result = readDhcp(bytes);
  return result.kind === "packet" ? result.packet : assert.fail(`malformed: ${result.fault}`);
}

test("overloaded options are read from file, then sname, and the pieces of a split option joined", () => {
  const packet = readPacket(raw("34 01 03 0c 02 6162 ff", "0c 02 6364 ff", "0c 01 65 33 04 0000000a ff"));
  assert.deepEqual(packet.options, { hostName: "abcde", ipAddressLeaseTime: 10 });
  assert.deepEqual([packet.file, packet.sname], ["", ""]);
});

test("an unknown option and one of the wrong shape are kept as bytes", () => {
  const packet = readPacket(raw("e0 02 abcd 32 03 010203 ff"));
  assert.deepEqual(packet.options, {});
  assert.deepEqual(
    packet.otherOptions,
    new Map([
      [224, Uint8Array.of(0xab, 0xcd)],
      [50, Uint8Array.of(1, 2, 3)],
    ]),
  );
});

const malformedRows: readonly (readonly [title: string, bytes: Uint8Array, fault: string])[] = [
  ["nothing at all", new Uint8Array(), "tooShort"],
  ["cut inside the header", writeDhcp(blank).subarray(0, 239), "tooShort"],
  ["neither request nor reply", writeDhcp(blank).fill(3, 0, 1), "badOperation"],
  ["hardware address longer than its field", writeDhcp(blank).fill(17, 2, 3), "badHardwareLength"],
  ["plain BOOTP", writeDhcp(blank).fill(0, 236, 240), "noMagicCookie"],
  ...["255.255.255.255", "224.0.0.1", "239.1.2.3", "127.0.0.1", "0.0.0.7"].map(
    (giaddr) => [`relay at ${giaddr}`, writeDhcp({ ...blank, giaddr: ip(giaddr) }), "badRelayAddress"] as const,
  ),
  ["option longer than the packet", raw("0c ff 61"), "truncatedOption"],
  [
    "option without its length",
    writeDhcp({ ...blank, options: { hostName: "a" } }).subarray(0, 241),
    "truncatedOption",
  ],
  ["option cut in an overloaded field", raw("34 01 01 ff", "0c ff"), "truncatedOption"],
];
for (const [title, bytes, fault] of malformedRows)
  test(`malformed: ${title}`, () => assert.deepEqual(readDhcp(bytes), { kind: "malformed", fault }));

test("an option of 600 bytes is split in three and joined again", () => {
  const value = Uint8Array.from({ length: 600 }, (_, index) => index & 255);
  const written = writeDhcp({ ...blank, options: { vendorSpecificInformation: value } });
  assert.deepEqual([...written.subarray(240, 242)], [43, 255]);
  assert.deepEqual(readPacket(written).options.vendorSpecificInformation, value);
});

test("options that do not fit are left out, but never the relay's information or the end option", () => {
  const relayAgentInformation = Uint8Array.of(1, 2, 3, 4);
  const options = { hostName: "x".repeat(250), domainName: "y".repeat(250), relayAgentInformation };
  const written = writeDhcp({ ...blank, options }, 548);
  assert.ok(written.length <= 548);
  assert.deepEqual(readPacket(written).options, { hostName: "x".repeat(250), relayAgentInformation });
});

test("options that do not fit go into file and sname, and option 52 says so", () => {
  const options = { hostName: "h".repeat(200), domainName: "d".repeat(100), message: "m".repeat(50) };
  const small = writeDhcp({ ...blank, options }, 240 + 210);
  assert.ok(small.length <= 450);
  assert.deepEqual(readPacket(small).options, options);
  assert.match(hexFromBytes(small.subarray(240)), /3401 ?03ff/);
  assert.deepEqual([small[108], small[44]], [15, 56]);
  // A boot file keeps its field; then only sname is free.
  const withFile = readPacket(writeDhcp({ ...blank, file: "a.efi", options }, 240 + 210));
  assert.deepEqual([withFile.file, withFile.options.domainName], ["a.efi", undefined]);
  assert.equal(withFile.options.message, options.message);
  // With room enough nothing is moved.
  assert.equal(writeDhcp({ ...blank, options }, 1000)[108], 0);
});

test("for any limit, the options read are some of those written, and the relay's information is complete", () => {
  fc.assert(
    fc.property(packets, fc.integer({ min: 380, max: 1472 }), (packet, limit) => {
      const bytes = writeDhcp(packet, limit);
      assert.ok(bytes.length <= Math.max(300, limit));
      const back = readPacket(bytes);
      for (const [name, value] of Object.entries(back.options))
        assert.deepEqual(value, packet.options[name as keyof DhcpOptions]);
      assert.deepEqual(back.options.relayAgentInformation, packet.options.relayAgentInformation);
      assert.deepEqual([back.file, back.sname], [packet.file, packet.sname]);
    }),
  );
});

test("a message is never shorter than BOOTP's 300 bytes", () => assert.equal(writeDhcp(blank).length, 300));

test("only an Ethernet address names a client", () => {
  assert.equal(clientMac(blank), "52:54:00:00:00:01");
  assert.equal(clientMac({ ...blank, hlen: 16 }), undefined);
  assert.equal(clientMac({ ...blank, chaddr: new Uint8Array(16) }), undefined);
});

const address = fc.nat(0xffffffff).map((value) => value as Ipv4);
const text = (maxLength: number) =>
  fc.array(fc.integer({ min: 1, max: 255 }), { maxLength }).map((codes) => String.fromCharCode(...codes));
const options: fc.Arbitrary<DhcpOptions> = fc.record(
  {
    dhcpMessageType: fc.constantFrom("discover", "offer", "request", "decline", "ack", "nak", "release", "inform"),
    requestedIpAddress: address,
    routers: fc.array(address, { minLength: 1, maxLength: 5 }),
    ipAddressLeaseTime: fc.nat(0xffffffff),
    parameterRequestList: fc.array(fc.nat(255), { maxLength: 80 }),
    hostName: text(70),
    bootFileName: text(300),
    clientSystemArchitecture: fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 4 }),
    vendorSpecificInformation: fc.uint8Array({ maxLength: 400 }),
    relayAgentInformation: fc.uint8Array({ maxLength: 100 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const packets: fc.Arbitrary<DhcpPacket> = fc.record(
  {
    op: fc.constantFrom(1, 2),
    ...{ htype: fc.nat(255), hlen: fc.nat(16), hops: fc.nat(255), xid: fc.nat(0xffffffff) },
    ...{
      secs: fc.nat(0xffff),
      flags: fc.nat(0xffff),
      ciaddr: address,
      yiaddr: address,
      siaddr: address,
      giaddr: fc.oneof(fc.constant(noAddress), address.filter(isUnicast)),
    },
    chaddr: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    sname: text(63),
    file: text(127),
    options,
    otherOptions: fc
      .dictionary(fc.integer({ min: 180, max: 254 }).map(String), fc.uint8Array({ maxLength: 40 }), { maxKeys: 3 })
      .map((object) => new Map(Object.entries(object).map(([code, bytes]) => [Number(code), bytes]))),
  },
  { noNullPrototype: true },
);

test("read(write(packet)) = packet", () => {
  fc.assert(fc.property(packets, (packet) => assert.deepEqual(readPacket(writeDhcp(packet, 9000)), packet)));
});

test("no bytes make a reader throw, nor a written message exceed its limit", () => {
  const header = fc.uint8Array({ minLength: 0, maxLength: 400 }).map((tail) => {
    const bytes = new Uint8Array(240 + tail.length);
    bytes.set(writeDhcp(blank).subarray(0, 240));
    bytes.set(tail, 240);
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 700 }), header), (bytes) => {
      const result = readDhcp(bytes);
      if (result.kind === "packet") assert.ok(writeDhcp(result.packet, 548).length <= 548);
      readSubOptions(bytes);
    }),
    { numRuns: runs(2000) },
  );
});

test("sub-options survive the wire and end with 255", () => {
  const menu = new Map([
    [6, Uint8Array.of(8)],
    [10, Uint8Array.of(0, 0x50)],
  ]);
  assert.equal(hexFromBytes(writeSubOptions(menu)), "0601080a020050ff");
  assert.deepEqual(readSubOptions(writeSubOptions(menu)), menu);
  assert.deepEqual(readSubOptions(Uint8Array.of(6, 1, 8, 9, 200, 1)), new Map([[6, Uint8Array.of(8)]]));
});
