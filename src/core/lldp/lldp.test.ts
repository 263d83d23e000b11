import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesFromHex, hexFromBytes } from "../bytes/text.ts";
import { parseMac } from "../net/mac.ts";
import { macOf } from "../net/testing/addresses.ts";
import type { ChassisKind, Lldpdu, PortKind } from "./lldpdu.ts";
import { chassisKinds, portKinds } from "./lldpdu.ts";
import { neighbourOf } from "./neighbour.ts";
import { readLldp } from "./read.ts";
import { writeLldp } from "./write.ts";

const sender = macOf("02:00:00:00:00:01");

function bytesOf(hex: string): Uint8Array {
  return bytesFromHex(hex) ?? assert.fail(`not hex: ${hex}`);
}

/** A frame padded to Ethernet's least length. */
function frameOf(hex: string): Uint8Array {
  const frame = new Uint8Array(60);
  frame.set(bytesOf(hex));
  return frame;
}

const rows: readonly { title: string; hex: string; lldpdu: Lldpdu }[] = [
  {
    title: "interface name, system name",
    hex: `0180c200000e 020000000001 88cc
      0207 04 443839aabbcc  0405 05 73777031  0602 0078  0a05 746f722d31  0000`,
    lldpdu: {
      chassis: { kind: "mac", text: "44:38:39:aa:bb:cc" },
      port: { kind: "interfaceName", text: "swp1" },
      ttlSeconds: 120,
      systemName: "tor-1",
    },
  },
  {
    title: "local port id and description",
    hex: `0180c200000e 020000000001 88cc
      0205 05 010a0001  0404 07 353236  0602 0078  0808 67652d302f302f31  0a03 737731  0000`,
    lldpdu: {
      chassis: { kind: "networkAddress", text: "010a0001" },
      port: { kind: "local", text: "526" },
      ttlSeconds: 120,
      portDescription: "ge-0/0/1",
      systemName: "sw1",
    },
  },
];

for (const row of rows) {
  test(`LLDP frame, both directions: ${row.title}`, () => {
    assert.equal(hexFromBytes(writeLldp(row.lldpdu, sender)), hexFromBytes(frameOf(row.hex)));
    assert.deepEqual(readLldp(frameOf(row.hex)), { kind: "lldpdu", lldpdu: row.lldpdu, sender });
  });
}

test("LLDP: what real agents do besides: VLAN tag, unknown TLVs, NUL at the end, no End TLV, Latin-1", () => {
  const frame = bytesOf(`0180c200000e 020000000001 8100 0001 88cc
    0203 07 6100  0403 05 6531  0602 0078  fe06 0080c2010001  0a02 e400`);
  const reading = readLldp(frame);
  assert.equal(reading.kind, "lldpdu");
  const neighbour = reading.kind === "lldpdu" ? neighbourOf(reading.lldpdu) : undefined;
  assert.deepEqual([neighbour?.switchName, neighbour?.port], ["ä", "e1"]);
});

const bad: readonly { title: string; hex: string; reason: RegExp }[] = [
  { title: "nothing", hex: "", reason: /expected an Ethernet frame/ },
  { title: "an ARP frame", hex: "0180c200000e 020000000001 0806 0000", reason: /found 0x806/ },
  { title: "a tag and no more", hex: "0180c200000e 020000000001 8100", reason: /VLAN tag/ },
  { title: "a cut TLV", hex: "0180c200000e 020000000001 88cc 0207 04 4438", reason: /type 1 is truncated/ },
  { title: "no chassis", hex: "0180c200000e 020000000001 88cc 0403 05 6531", reason: /not a chassis id/ },
  { title: "no port", hex: "0180c200000e 020000000001 88cc 0202 07 61 0602 0078", reason: /not a port id/ },
  { title: "no time to live", hex: "0180c200000e 020000000001 88cc 0202 07 61 0402 05 61", reason: /time to live/ },
  {
    title: "an unknown subtype",
    hex: "0180c200000e 020000000001 88cc 0202 09 61 0402 05 61",
    reason: /not a chassis id/,
  },
];
for (const row of bad) {
  test(`LLDP frame that cannot be read: ${row.title}`, () => {
    const reading = readLldp(bytesOf(row.hex));
    assert.equal(reading.kind, "unreadable");
    assert.match(reading.kind === "unreadable" ? reading.reason : "", row.reason);
  });
}

const ports: readonly { title: string; lldpdu: Partial<Lldpdu>; port: string }[] = [
  {
    title: "an interface name",
    lldpdu: { port: { kind: "interfaceName", text: "swp7" }, portDescription: "to r1u7" },
    port: "swp7",
  },
  {
    title: "a local name",
    lldpdu: { port: { kind: "local", text: "Gi1/0/7" }, portDescription: "server" },
    port: "Gi1/0/7",
  },
  {
    title: "an SNMP index",
    lldpdu: { port: { kind: "local", text: "526" }, portDescription: "ge-0/0/1" },
    port: "ge-0/0/1",
  },
  { title: "an SNMP index alone", lldpdu: { port: { kind: "local", text: "526" } }, port: "526" },
  {
    title: "a MAC",
    lldpdu: { port: { kind: "mac", text: "02:00:00:00:00:02" }, portDescription: "eth0" },
    port: "eth0",
  },
  { title: "a MAC alone", lldpdu: { port: { kind: "mac", text: "02:00:00:00:00:02" } }, port: "02:00:00:00:00:02" },
];
for (const row of ports) {
  test(`LLDP port name from ${row.title}`, () => {
    const lldpdu = { chassis: { kind: "local", text: "c" }, ttlSeconds: 120, ...row.lldpdu } as Lldpdu;
    const { switchName, port } = neighbourOf(lldpdu);
    assert.deepEqual([switchName, port], ["c", row.port]);
  });
}

const text = fc.stringMatching(/^[a-zA-Z0-9äß€/._ -]{1,40}$/);
const hexPairs = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => hexFromBytes(bytes));
const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => parseMac(hexFromBytes(bytes)) as string);
function ids<Kind extends ChassisKind | PortKind>(kinds: { [subtype: number]: Kind }) {
  const kind = fc.constantFrom(...Object.values(kinds));
  return kind.chain((each) => {
    const itsText = each === "mac" ? mac : each === "networkAddress" ? hexPairs : text;
    return itsText.map((chosen) => ({ kind: each, text: chosen }));
  });
}

test("LLDP: a written frame reads back the same", () => {
  const lldpdus = fc.record(
    {
      chassis: ids<ChassisKind>(chassisKinds),
      port: ids<PortKind>(portKinds),
      ttlSeconds: fc.integer({ min: 0, max: 65535 }),
      portDescription: text,
      systemName: text,
    },
    { requiredKeys: ["chassis", "port", "ttlSeconds"], noNullPrototype: true },
  );
  fc.assert(
    fc.property(lldpdus, (lldpdu) => {
      assert.deepEqual(readLldp(writeLldp(lldpdu as Lldpdu, sender)), { kind: "lldpdu", lldpdu, sender });
    }),
  );
});

test("LLDP: no bytes make the reader throw", () => {
  const head = bytesOf("0180c200000e 020000000001 88cc");
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readLldp(bytes)));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => void readLldp(Uint8Array.of(...head, ...bytes))));
});
