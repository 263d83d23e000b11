/** Our decoders beside tshark's, on packets that nobody here made. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readDhcp } from "../../src/core/dhcp/codec/read.ts";
import { readLldp } from "../../src/core/lldp/read.ts";
import { readArp } from "../../src/core/net/arp.ts";
import { readTftp } from "../../src/core/tftp/packet.ts";
import { readers } from "../fuzz/readers.ts";
import { datagramOf } from "../support/pcap.ts";
import { arpByTshark, arpByUs, arpFields } from "./arp-fields.ts";
import { assertSame, type Fields, type Reading } from "./compare.ts";
import { dhcpByTshark, dhcpByUs, dhcpFields } from "./dhcp-fields.ts";
import { readInputs } from "./inputs.ts";
import { lldpByTshark, lldpByUs, lldpFields } from "./lldp-fields.ts";
import { fetchCorpora } from "./sources.ts";
import { tftpByTshark, tftpByUs, tftpFields } from "./tftp-fields.ts";
import { dissect } from "./tshark.ts";

const inputs = readInputs(await fetchCorpora());
const dissections = dissect(
  inputs.map(({ frame }) => frame),
  [
    ...(["frame.protocols", "_ws.malformed", "_ws.expert.message"] as const),
    ...[...dhcpFields, ...lldpFields, ...tftpFields, ...arpFields],
  ],
);
type Dissected = (typeof dissections)[number];

/** The packets that tshark takes for a protocol, read by both; `least` is how many the packages have at the least. */
function compare(
  protocols: RegExp,
  least: number,
  by: {
    readonly tshark: (dissected: Dissected) => Fields | undefined;
    readonly us: (frame: Uint8Array) => Reading;
  },
): void {
  const pairs = inputs.flatMap((input, at) => {
    const dissected = dissections[at];
    if (dissected === undefined || !protocols.test(dissected("frame.protocols")[0] ?? "")) return [];
    return [{ input, ours: by.us(input.frame), theirs: theirReading(dissected, by.tshark(dissected)) }];
  });
  assert.ok(pairs.length >= least, `expected at least ${least} packets, found ${pairs.length}`);
  assertSame(pairs);
}

function theirReading(dissected: Dissected, fields: Fields | undefined): Reading {
  const isRead = fields !== undefined && dissected("_ws.malformed").length === 0;
  return isRead
    ? { kind: "read", fields }
    : { kind: "refused", why: dissected("_ws.expert.message").join("; ") || "incomplete" };
}

const payloadOf = (frame: Uint8Array) => datagramOf(frame)?.payload ?? new Uint8Array();

test("every reader takes every packet", () => {
  assert.ok(inputs.length >= 8000, `expected at least 8000 packets, found ${inputs.length}`);
  assert.equal(dissections.length, inputs.length);
  for (const { frame } of inputs)
    for (const { read } of readers) for (const bytes of [frame, payloadOf(frame)]) read(bytes);
});

test("DHCP messages are read as tshark reads them", () => {
  compare(/:dhcp$/, 240, { tshark: dhcpByTshark, us: (frame) => dhcpByUs(readDhcp(payloadOf(frame))) });
});

test("LLDP frames are read as tshark reads them", () => {
  compare(/:lldp$/, 70, { tshark: lldpByTshark, us: (frame) => lldpByUs(readLldp(frame)) });
});

test("TFTP packets are read as tshark reads them", () => {
  compare(/:tftp(:data)?$/, 8, { tshark: tftpByTshark, us: (frame) => tftpByUs(readTftp(payloadOf(frame))) });
});

test("ARP messages are read as tshark reads them", () => {
  compare(/^eth:ethertype:arp$/, 20, { tshark: arpByTshark, us: (frame) => arpByUs(readArp(frame)) });
});
