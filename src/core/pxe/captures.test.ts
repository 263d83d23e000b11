import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { framesOf, udpPayloadsTo } from "../../../tests/support/pcap.ts";
import { hexFromBytes } from "../bytes/text.ts";
import { clientMac } from "../dhcp/codec/packet.ts";
import { readDhcp } from "../dhcp/codec/read.ts";
import { writeDhcp } from "../dhcp/codec/write.ts";
import { classifyClient } from "./client.ts";

const directory = new URL("../../../tests/captures/", import.meta.url);
const captures = readdirSync(directory).filter((name) => name.endsWith(".pcap"));

/** Everything our codec understands of a message, in text that a person can check against Wireshark. */
function describe(payload: Uint8Array): string {
  const result = readDhcp(payload);
  if (result.kind === "malformed") return `malformed: ${result.fault}\n`;
  const { options, otherOptions, chaddr: _, xid, flags, secs } = result.packet;
  const shown = (value: unknown) => (value instanceof Uint8Array ? hexFromBytes(value) : value);
  const facts = {
    ...{ mac: clientMac(result.packet), xid: xid.toString(16), flags: flags.toString(16), secs },
    client: classifyClient(result.packet),
    options: Object.fromEntries(Object.entries(options).map(([name, value]) => [name, shown(value)])),
    otherOptions: Object.fromEntries([...otherOptions].map(([code, bytes]) => [code, hexFromBytes(bytes)])),
  };
  return `${JSON.stringify(facts, undefined, 2).replace(/\[\s+([\d,\s]+?)\s+\]/g, (_all, list: string) => `[${list.replace(/\s+/g, " ")}]`)}\n`;
}

assert.ok(captures.length >= 3, "the captures are part of the repository");
for (const name of captures)
  test(`capture ${name}: read as its text says, and written back without loss`, () => {
    const payloads = udpPayloadsTo(67, framesOf(readFileSync(new URL(name, directory))));
    assert.ok(payloads.length > 0);
    const textFile = new URL(name.replace(".pcap", ".txt"), directory);
    const text = payloads.map(describe).join("\n");
    if (process.env.UPDATE_CAPTURES === "1") writeFileSync(textFile, text);
    assert.equal(text, readFileSync(textFile, "utf8"));
    for (const payload of payloads) {
      const first = readDhcp(payload);
      if (first.kind === "malformed") continue;
      assert.deepEqual(readDhcp(writeDhcp(first.packet)), first);
    }
  });
