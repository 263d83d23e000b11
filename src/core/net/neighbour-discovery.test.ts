import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesFromHex, hexFromBytes } from "../bytes/text.ts";
import { parseIpv6 } from "./ipv6.ts";
import { ipv6ConflictIn, readNeighbourMessage, writeNeighbourProbe } from "./neighbour-discovery.ts";
import { macOf } from "./testing/addresses.ts";
import { withoutVlanTag, withVlanTag } from "./vlan-tag.ts";

const mac = macOf("52:54:00:12:34:56");
const other = macOf("02:00:00:00:00:99");
const address = parseIpv6("2001:db8:1::47") ?? assert.fail();

test("the probe is the Neighbour Solicitation of RFC 4862 §5.4.2, to the solicited-node group", () => {
  const frame = writeNeighbourProbe(mac, address);
  assert.equal(
    hexFromBytes(frame),
    [
      "3333ff000047525400123456" + "86dd",
      `6000000000183aff${"00".repeat(16)}ff0200000000000000000001ff000047`,
      "87004c6000000000" + "20010db8000100000000000000000047",
    ].join(""),
  );
  const message = readNeighbourMessage(frame) ?? assert.fail();
  assert.equal(ipv6ConflictIn(message, { mac, address }), undefined);
  // Another host that probes for the same address wants it, too.
  assert.equal(ipv6ConflictIn(message, { mac: other, address }), mac);
});

test("an advertisement of the address names its host; a solicitation by a neighbour that has an address claims nothing", () => {
  const frame = (type: string, source: string, target: string) =>
    bytesFromHex(
      `333300000001${other.replaceAll(":", "")}86dd6000000000183aff${source}ff020000000000000000000000000001` +
        `${type}00000020000000${target}`,
    ) ?? assert.fail();
  const [ours, theirs] = ["20010db8000100000000000000000047", "20010db8000100000000000000000048"];
  const said = (bytes: Uint8Array) => {
    const message = readNeighbourMessage(bytes);
    return message && ipv6ConflictIn(message, { mac, address });
  };
  assert.equal(said(frame("88", ours, ours)), other);
  assert.equal(said(frame("88", theirs, theirs)), undefined);
  assert.equal(said(frame("87", theirs, ours)), undefined);
  for (let length = 0; length < 78; length += 1)
    assert.equal(said(frame("88", ours, ours).subarray(0, length)), undefined);
});

test("a tag comes and goes", () => {
  const frame = writeNeighbourProbe(mac, address);
  const tagged = withVlanTag(frame, 120);
  assert.equal(hexFromBytes(tagged.subarray(12, 18)), "8100007886dd");
  assert.deepEqual(withoutVlanTag(tagged), { frame, vlan: 120 });
  assert.deepEqual(withoutVlanTag(frame), { frame });
  assert.equal(withVlanTag(frame, undefined), frame);
});
