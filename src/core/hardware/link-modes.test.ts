import assert from "node:assert/strict";
import { test } from "node:test";
import { fastestMbps, judgeLink, type LinkSettings } from "./link-modes.ts";

/** A set of modes by their bits. */
function setOf(...bits: readonly number[]): Uint8Array {
  const set = new Uint8Array(16);
  for (const bit of bits) set[bit >> 3] = (set[bit >> 3] ?? 0) | (1 << (bit & 7));
  return set;
}

const gigabit = setOf(0, 1, 2, 3, 5, 6, 7);
const sfp28 = setOf(10, 31, 32, 33, 42, 43);

function link(more: Partial<LinkSettings>): LinkSettings {
  return { speedMbps: 1000, halfDuplex: false, supported: gigabit, advertised: gigabit, partner: gigabit, ...more };
}

test("link modes: the fastest of a set; what is no speed, and bits of later kernels, are none", () => {
  assert.deepEqual(
    [gigabit, sfp28, setOf(6, 7, 13, 14, 49), setOf(120), new Uint8Array(0)].map(fastestMbps),
    [1000, 25_000, 0, 0, 0],
  );
});

test("a link slower than both of its ends offer is a fault: a broken pair makes 100 Mb/s of a gigabit", () => {
  assert.equal(judgeLink(link({})).fault, "");
  assert.match(judgeLink(link({ speedMbps: 100 })).fault, /expected a link of 1000 Mb\/s, .* found 100 Mb\/s$/);
  assert.match(judgeLink(link({ speedMbps: 100, partner: setOf(3), halfDuplex: true })).fault, /half duplex$/);
});

test("a slower partner, or one that does not tell, is no fault; the figures say what the NIC could do", () => {
  const onTenGigabit = link({ speedMbps: 10_000, supported: sfp28, advertised: sfp28, partner: setOf(42) });
  assert.deepEqual(judgeLink(onTenGigabit), {
    figures: { linkMbps: 10_000, supportedMbps: 25_000, partnerMbps: 10_000 },
    fault: "",
  });
  const silent = link({ speedMbps: 10_000, supported: sfp28, advertised: sfp28, partner: new Uint8Array(0) });
  assert.deepEqual(judgeLink(silent), { figures: { linkMbps: 10_000, supportedMbps: 25_000 }, fault: "" });
});

test("a virtual NIC tells nothing", () => {
  const none = new Uint8Array(12);
  assert.deepEqual(judgeLink({ speedMbps: 0, halfDuplex: false, supported: none, advertised: none, partner: none }), {
    figures: {},
    fault: "",
  });
});
