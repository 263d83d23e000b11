import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalIpv6, formatIpv6, ipv6PrefixContains, parseIpv6, parseIpv6Prefix } from "./ipv6.ts";

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

test("IPv6: each number comes back from its text", () => {
  for (const value of [0n, 1n, (1n << 128n) - 1n, 0x20010db8n << 96n, (1n << 112n) + 1n])
    assert.equal(parseIpv6(formatIpv6(value)), value);
});

test("IPv6 prefixes have no host bits", () => {
  const prefix = parseIpv6Prefix("2001:db8:1::/64") ?? assert.fail();
  assert.deepEqual(
    ["2001:db8:1::7", "2001:db8:1:1::7"].map((text) => ipv6PrefixContains(prefix, parseIpv6(text) ?? 0n)),
    [true, false],
  );
  for (const text of ["2001:db8::1/64", "2001:db8::/129", "2001:db8::", "/64", "::/0/0"])
    assert.equal(parseIpv6Prefix(text), undefined, text);
  assert.equal(ipv6PrefixContains(parseIpv6Prefix("::/0") ?? assert.fail(), 5n), true);
});
