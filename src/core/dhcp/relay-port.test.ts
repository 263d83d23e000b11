import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bytesFromHex } from "../bytes/text.ts";
import { ip } from "../net/testing/addresses.ts";
import { readDhcp } from "./codec/read.ts";
import { isSameRelayPort, relayPortOf } from "./relay-port.ts";

const giaddr = ip("10.78.0.1");
/** What option 82 with these sub-options says. */
const said = (hex: string, from = giaddr) =>
  relayPortOf({ giaddr: from, options: { relayAgentInformation: bytesFromHex(hex) ?? assert.fail() } } as Parameters<
    typeof relayPortOf
  >[0]);
const ascii = (code: string, text: string) =>
  `${code}${text.length.toString(16).padStart(2, "0")}${Buffer.from(text, "latin1").toString("hex")}`;

test("circuit id and remote id as a rule reads them: text, Cisco's numbers, MAC addresses, hex", () => {
  const rows: readonly (readonly [hex: string, circuitId: string | undefined, remoteId: string | undefined])[] = [
    [ascii("01", "Ethernet1/7:100") + ascii("02", "leaf-1"), "Ethernet1/7:100", "leaf-1"],
    ["0106000400640107" + "0208000602000000000a", "1/7", "02:00:00:00:00:0a"],
    ["01020107" + "020602000000000a", "0x0107", "02:00:00:00:00:0a"],
    [ascii("01", "swp7\u001b[2J"), `0x${Buffer.from("swp7\u001b[2J").toString("hex")}`, undefined],
    [ascii("02", "leaf-1"), undefined, undefined],
    ["0100", undefined, undefined],
    ["01ff", undefined, undefined],
    ["", undefined, undefined],
  ];
  for (const [hex, circuitId, remoteId] of rows) {
    const found = said(hex);
    assert.deepEqual(
      [found?.circuitId, found?.remoteId, found?.giaddr],
      [circuitId, remoteId, found && "10.78.0.1"],
      hex,
    );
  }
});

test("what names a port is short and printable, whatever a host sends", () => {
  for (const hex of [`01ff${"41".repeat(255)}`, `01ff${"00".repeat(255)}`]) {
    const { circuitId = "" } = said(hex) ?? assert.fail();
    assert.ok(circuitId.length <= 128 && /^[\x20-\x7e]+$/.test(circuitId), circuitId);
  }
});

test("a switch that added the option without a relay: no giaddr, which a rule for a relay's address does not match", () => {
  const hex = readFileSync(
    new URL("../../../tests/captures/field/dhcp/option82-giaddr0.hex", import.meta.url),
    "latin1",
  );
  const reading = readDhcp(bytesFromHex(hex.replace(/\s/g, "")) ?? assert.fail());
  if (reading.kind === "malformed") assert.fail(reading.fault);
  assert.deepEqual(relayPortOf(reading.packet), { circuitId: "1/3", remoteId: "02:00:5e:09:09:09" });
});

test("two reports are the same by all three texts", () => {
  const one = said(ascii("01", "swp7") + ascii("02", "leaf-1"));
  assert.equal(isSameRelayPort(one, said(ascii("01", "swp7") + ascii("02", "leaf-1"))), true);
  for (const other of [undefined, said(ascii("01", "swp8") + ascii("02", "leaf-1")), said(ascii("01", "swp7"))])
    assert.equal(isSameRelayPort(one, other), false);
});
