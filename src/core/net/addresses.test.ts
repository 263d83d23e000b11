import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatIpv4, type Ipv4, parseIpv4 } from "./ipv4.ts";
import { macFromBytes, macToBytes, parseMac } from "./mac.ts";

const rows: readonly (readonly [text: string, address: number | undefined])[] = [
  ["0.0.0.0", 0],
  ["10.77.0.50", 0x0a4d0032],
  ["255.255.255.255", 0xffffffff],
  [" 10.1.2.3\n", 0x0a010203],
  ["010.001.2.003", 0x0a010203],
  ["", undefined],
  ["10.1.2", undefined],
  ["10.1.2.3.4", undefined],
  ["10.1.2.", undefined],
  [".10.1.2.3", undefined],
  ["10..2.3", undefined],
  ["10.1.2.256", undefined],
  ["10.1.2.0003", undefined],
  ["10.1.2.3x", undefined],
  ["10.1 .2.3", undefined],
  ["-1.1.2.3", undefined],
];
for (const [text, address] of rows)
  test(`address ${JSON.stringify(text)}`, () => assert.equal(parseIpv4(text), address));

test("an address survives being text, and any text is an address or is not", () => {
  fc.assert(fc.property(fc.nat(0xffffffff), (n) => assert.equal(parseIpv4(formatIpv4(n as Ipv4)), n)));
  fc.assert(
    fc.property(fc.stringMatching(/^\d{0,4}(\.\d{0,4}){2,4}$/), (text) => {
      const parts = text.split(".");
      const right = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
      assert.equal(parseIpv4(text) !== undefined, right);
    }),
  );
});

test("a MAC address survives the conversion to text; of more than six bytes the first six count", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 16 }), (bytes) => {
      const mac = macFromBytes(bytes);
      assert.deepEqual(macToBytes(mac), bytes.slice(0, 6));
      assert.equal(parseMac(mac.toUpperCase().replaceAll(":", "-")), mac);
    }),
  );
});
