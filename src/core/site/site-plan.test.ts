import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parsePrefix } from "../net/ipv4.ts";
import { ip } from "../net/testing/addresses.ts";
import { testNetwork, testNetworkOfOnePart } from "../network/testing/test-network.ts";
import type { PlacementRule } from "./placement.ts";
import { besidePlan, checkPlan, planSlots } from "./site-plan.ts";

const to = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, n) => n + from);
const area = { racks: to(100), units: to(40), switch: "tor-{rack}", port: "swp{unit}" };
const rule = (hostname: string, step: number, first = "10.77.1.0"): PlacementRule => ({
  ...{ switch: "tor-(?<rack>\\d+)", port: "swp(?<unit>\\d+)", hostname },
  address: { first: ip(first), step: { rack: step, unit: 1 } },
});
const networks = [testNetwork()];
const wide = [
  testNetworkOfOnePart({
    ...{ prefix: parsePrefix("10.0.0.0/8") ?? assert.fail(), serverAddress: ip("10.250.0.1") },
    temporaryPool: { first: ip("10.250.1.1"), last: ip("10.250.1.9") },
  }),
];
const faultsOf = (rules: readonly PlacementRule[], areas = [area], of = wide) =>
  checkPlan(planSlots(areas, rules), of).map(({ kind, slots, example }) => [kind, slots, example]);

describe("the plan of a site", () => {
  test("rules that give each slot its own name and address have no fault", () => {
    assert.deepEqual(faultsOf([rule("r{rack:3}u{unit:2}", 64)]), []);
    const [first] = planSlots([area], [rule("r{rack:3}u{unit:2}", 64)]);
    assert.deepEqual([first?.placement?.hostname, first?.placement?.address], ["r001u01", ip("10.77.1.65")]);
  });

  test("the same holds for IPv6 addresses", () => {
    const slots = (step: number) => [
      { ...rule("r{rack:3}u{unit:2}", 64), ipv6: { first: "2001:db8::", step: { rack: step, unit: 1 } } },
    ];
    assert.deepEqual(faultsOf(slots(64)), []);
    assert.deepEqual(faultsOf(slots(39)), [
      [
        "addressTwice",
        198,
        "the address 2001:db8::4f is that of rack 1 unit 40 (tor-1 swp40) and of rack 2 unit 1 (tor-2 swp1)",
      ],
    ]);
  });

  test("steps that are too small give two slots one address: all of them are counted", () => {
    assert.deepEqual(faultsOf([rule("r{rack:3}u{unit:2}", 20)]), [
      [
        "addressTwice",
        3960,
        "the address 10.77.1.41 is that of rack 1 unit 21 (tor-1 swp21) and of rack 2 unit 1 (tor-2 swp1)",
      ],
    ]);
  });

  test("a template without separator gives two slots one name", () => {
    const [[kind, , example] = []] = faultsOf([rule("n{rack}{unit}", 64)]);
    assert.equal(kind, "nameTwice");
    assert.match(String(example), /^the name n111 is that of rack 1 unit 11 .* and of rack 11 unit 1 /);
  });

  test("slots that no rule matches, and addresses that no machine can keep", () => {
    const odd = { ...area, racks: [1], switch: "leaf-{rack}" };
    assert.deepEqual(
      faultsOf([rule("r{rack}u{unit}", 64)], [odd]).map(([kind, slots]) => [kind, slots]),
      [["unplaced", 40]],
    );
    const few = [{ ...area, racks: [0], units: to(3, 0) }];
    const found = faultsOf([rule("r{rack}u{unit}", 64)], few, networks);
    assert.deepEqual(
      found.map(([kind, slots]) => [kind, slots]),
      [["addressUnusable", 2]],
    );
    assert.match(String(found[0]?.[2]), /10\.77\.1\.0 of r0u0 is no address of a host$/);
    assert.match(
      String(faultsOf([rule("r{rack}u{unit}", 64)], [area], networks)[0]?.[2]),
      /is in no permanent network/,
    );
  });
});

describe("a place beside the plan", () => {
  const rules = [rule("r{rack}u{unit}", 64)];
  const slots = planSlots([area], rules);
  const placed = (text: string) => {
    const [rack = "", unit = ""] = text.split("/");
    const slot = planSlots([{ ...area, racks: [Number(rack)], units: [Number(unit)] }], rules)[0];
    return slot?.placement ?? assert.fail(text);
  };

  test("a slot of the plan is expected and collides with nothing", () => {
    assert.deepEqual(besidePlan(placed("17/4"), slots), { isExpected: true, collisions: [] });
  });

  test("a port beyond the plan is not expected, and the slot whose address it gets is named", () => {
    assert.deepEqual(besidePlan(placed("17/69"), slots), {
      isExpected: false,
      collisions: ["the address 10.77.5.133 is also of rack 18 unit 5 (tor-18 swp5)"],
    });
    const same = { ...placed("17/69"), hostname: "r18u5" };
    assert.match(
      besidePlan(same, slots).collisions.join(),
      /^the name r18u5 and the address 10\.77\.5\.133 are also of rack 18/,
    );
  });
});
