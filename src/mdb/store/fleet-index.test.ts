import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import type { Machine } from "../../core/machine/record.ts";
import { testMachine } from "../../core/machine/testing/test-machine.ts";
import { type Ipv4, parseIpv4 } from "../../core/net/ipv4.ts";
import { ip } from "../../core/net/testing/addresses.ts";
import { auditFacts } from "../journal/audit-facts.ts";
import { testMac } from "../testing/fleet.ts";
import { indexFleet } from "./fleet-index.ts";

type Named = Pick<Machine, "hostname" | "permanentAddress" | "temporaryAddress">;

function machine(n: number, named: Named, revision: number): Machine {
  const { hostname = `unit${n}`, permanentAddress, temporaryAddress } = named;
  const temporary = temporaryAddress === undefined ? {} : { temporaryAddress };
  const known = { ...{ id: machineIdFromMac(testMac(n)), macs: [testMac(n)], revision }, ...temporary, hostname };
  return permanentAddress === undefined
    ? testMachine("birth", known)
    : testMachine("healthy", { ...known, permanentAddress });
}

function namesOf({ hostname, permanentAddress, temporaryAddress }: Named): (string | Ipv4)[] {
  return [hostname, permanentAddress, temporaryAddress].filter((name) => name !== undefined);
}

test("machines are added, renamed and removed: the list is complete, and each name finds its machine", () => {
  const step = fc.record({
    n: fc.integer({ min: 1, max: 6 }),
    what: fc.constantFrom("put", "rename", "remove"),
    named: fc.record(
      {
        hostname: fc.constantFrom("a", "b"),
        permanentAddress: fc.constantFrom(ip("10.0.0.1"), ip("192.168.0.1")),
        temporaryAddress: fc.constantFrom(ip("10.0.0.1"), ip("192.168.0.2")),
      },
      { requiredKeys: [] },
    ),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const index = indexFleet([]);
      const model = new Map<number, Machine>();
      for (const [revision, { n, what, named }] of steps.entries()) {
        const before = model.get(n);
        // A name belongs to one machine; decide() handles a second claim.
        const taken = [...model].some(
          ([other, held]) => other !== n && namesOf(named).some((name) => namesOf(held).includes(name)),
        );
        if (what === "remove") {
          index.remove(machineIdFromMac(testMac(n)));
          model.delete(n);
        } else if (what === "put" && before !== undefined) {
          model.set(n, { ...before, revision });
          index.put({ ...before, revision });
        } else if (!taken) {
          model.set(n, machine(n, named, revision));
          index.put(machine(n, named, revision));
        }
      }
      const byId = (a: Machine, b: Machine) => (a.id < b.id ? -1 : 1);
      assert.deepEqual([...index.list()].sort(byId), [...model.values()].sort(byId));
      assert.deepEqual([...index.ownership().sizes], model.size === 0 ? [] : [["", model.size]]);
      for (const name of ["a", "b", "10.0.0.1", "192.168.0.1", "192.168.0.2"]) {
        const address = parseIpv4(name);
        const holder = [...model.values()].find((held) => namesOf(held).includes(address ?? name));
        assert.deepEqual(address === undefined ? index.byName(name) : index.byAddress(address), holder);
        assert.deepEqual(index.find(name.toUpperCase()), holder);
      }
      for (const n of [1, 2, 3, 4, 5, 6]) assert.deepEqual(index.byMac(testMac(n)), model.get(n));
    }),
  );
});

test("a token finds the machine whose order has it, while the order has it; owners follow the record", () => {
  const holder = (tokenHash: string, more: object = {}) => {
    const order = { action: "birth", generation: 1, tokenHash, expiresAtMs: 1 } as const;
    return testMachine("birth", { ...{ id: machineIdFromMac(testMac(1)), macs: [testMac(1)], order }, ...more });
  };
  const index = indexFleet([holder("aa")]);
  assert.equal(index.byOrderToken("aa")?.id, machineIdFromMac(testMac(1)));
  index.put(holder("bb", { groups: ["web"], sentAway: { atMs: 7 } }));
  assert.deepEqual([index.byOrderToken("aa"), index.byOrderToken("bb")?.groups], [undefined, ["web"]]);
  const { sizes, sentAway } = index.ownership();
  assert.deepEqual([[...sizes], [...sentAway].map(({ id }) => id)], [[["web", 1]], [machineIdFromMac(testMac(1))]]);
  index.remove(machineIdFromMac(testMac(1)));
  assert.deepEqual([index.byOrderToken("bb"), sizes.size, [...sentAway]], [undefined, 0, []]);
});

test("the audit's facts: only differences, without hashes at any depth", () => {
  const shared = { a: 1 };
  const before = { shared, copy: { b: 1 }, gone: 1, tokenHash: "x", order: { tokenHash: "1", action: "birth" } };
  const after = { shared, copy: { b: 1 }, come: [1], tokenHash: "y", order: { tokenHash: "2", action: "clean" } };
  assert.deepEqual(auditFacts(before, after), {
    before: '{"gone":1,"order":{"action":"birth"}}',
    after: '{"order":{"action":"clean"},"come":[1]}',
  });
  assert.deepEqual(auditFacts(undefined, { key: 1 }), { after: '{"key":1}' });
  assert.deepEqual(auditFacts({ key: 1 }, undefined), { before: '{"key":1}' });
  const onlyHashes = { order: { tokenHash: "1" } };
  assert.deepEqual(auditFacts(onlyHashes, { order: { tokenHash: "2" } }), { before: "{}", after: "{}" });
});
