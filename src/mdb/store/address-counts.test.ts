import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Ipv4 } from "../../core/net/ipv4.ts";
import { AddressCounts } from "./address-counts.ts";

const near = fc.integer({ min: 0x0afe_ff00, max: 0x0b02_01ff }).map((address) => address as Ipv4);

test("the taken addresses of any range are counted, whatever comes and goes", () => {
  const steps = fc.array(fc.record({ address: near, gone: fc.boolean() }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, near, near, (changes, one, other) => {
      const counts = new AddressCounts();
      const model = new Set<Ipv4>();
      for (const { address, gone } of changes) {
        if (gone) {
          counts.remove(address);
          model.delete(address);
        } else {
          counts.add(address);
          model.add(address);
        }
      }
      const [first, last] = one < other ? [one, other] : [other, one];
      const expected = [...model].filter((address) => address >= first && address <= last).length;
      assert.equal(counts.countIn(first, last), expected);
    }),
  );
});
