import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addToIpv6,
  canonicalIpv6,
  formatIpv6,
  type Ipv6,
  ipv6Bytes,
  ipv6FromBytes,
  ipv6PrefixContains,
  parseIpv6,
  parseIpv6Prefix,
} from "./ipv6.ts";

test("IPv6: texts of RFC 4291 §2.2 and their canonical forms of RFC 5952", () => {
  const cases: readonly (readonly [text: string, canonical: string | undefined])[] = [
    ["2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::", "::"],
    ["::1", "::1"],
    ["fe80::", "fe80::"],
    ["::ffff:192.0.2.1", "::ffff:c000:201"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["1:2:3:4:5:6:7:8::", undefined],
    ["1::2::3", undefined],
    ["1:2:3", undefined],
    [":::", undefined],
    ["fe80::1%eth0", undefined],
    ["::256.0.0.1", undefined],
    ["1.2.3.4", undefined],
    ["", undefined],
    ["12345::", undefined],
  ];
  for (const [text, canonical] of cases) {
    assert.equal(canonicalIpv6(text), canonical, text);
    assert.equal(byUrl(text), canonical, text);
  }
});

/** The canonical form by the URL standard, which has a parser of its own. */
function byUrl(text: string): string | undefined {
  return URL.canParse(`http://[${text}]`) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : undefined;
}

/** An address as one number, for the other way to compute. */
const numberOf = (address: Ipv6) => address.reduce((value, group) => value * 65_536n + BigInt(group), 0n);
const anyAddress = fc.array(fc.oneof(fc.constantFrom(0, 1, 0xffff), fc.nat(0xffff)), { minLength: 8, maxLength: 8 });

test("IPv6: each address comes back from its text and its bytes", () => {
  fc.assert(
    fc.property(anyAddress, (address) => {
      assert.deepEqual(parseIpv6(formatIpv6(address)), address);
      assert.deepEqual(ipv6FromBytes(ipv6Bytes(address)), address);
    }),
  );
});

test("IPv6: sums are exact, and end with the address space", () => {
  const step = fc.oneof(fc.constantFrom(0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
  fc.assert(
    fc.property(anyAddress, fc.nat(999_999_999), step, (address, factor, each) => {
      const sum = numberOf(address) + BigInt(factor) * BigInt(each);
      const found = addToIpv6(address, factor, each);
      assert.equal(found === undefined ? undefined : numberOf(found), sum >> 128n === 0n ? sum : undefined);
    }),
  );
});

test("IPv6: a prefix of any length contains what has its first bits", () => {
  fc.assert(
    fc.property(anyAddress, anyAddress, fc.integer({ min: 0, max: 128 }), (one, other, length) => {
      const bits = (address: Ipv6) => numberOf(address).toString(2).padStart(128, "0");
      const start = bits(one).slice(0, length).padEnd(128, "0");
      const text = formatIpv6((start.match(/.{16}/g) ?? []).map((group) => Number.parseInt(group, 2)));
      const prefix = parseIpv6Prefix(`${text}/${length}`) ?? assert.fail();
      assert.equal(ipv6PrefixContains(prefix, one), true);
      assert.equal(ipv6PrefixContains(prefix, other), bits(other).startsWith(bits(one).slice(0, length)));
    }),
  );
});

test("IPv6 prefixes have no host bits", () => {
  const prefix = parseIpv6Prefix("2001:db8:1::/64") ?? assert.fail();
  assert.deepEqual(
    ["2001:db8:1::7", "2001:db8:1:1::7"].map((text) => ipv6PrefixContains(prefix, parseIpv6(text) ?? assert.fail())),
    [true, false],
  );
  for (const text of ["2001:db8::1/64", "2001:db8::/129", "2001:db8::", "/64", "::/0/0"])
    assert.equal(parseIpv6Prefix(text), undefined, text);
  assert.equal(ipv6PrefixContains(parseIpv6Prefix("::/0") ?? assert.fail(), parseIpv6("::5") ?? assert.fail()), true);
});
