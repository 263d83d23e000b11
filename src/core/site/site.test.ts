import assert from "node:assert/strict";
import { test } from "node:test";
import { protocolForOrder, protocolForRules } from "../birth/order-answer.ts";
import type { Hardware } from "../hardware/hardware.ts";
import { ip } from "../net/testing/addresses.ts";
import { checkImageRules, checkPlacementRules } from "./check-rules.ts";
import { chooseImage } from "./choose-image.ts";
import type { ImageRule } from "./image-rule.ts";
import { placeMachine } from "./place.ts";
import type { Neighbour, PlacementRule } from "./placement.ts";

const rack: PlacementRule = {
  switch: "tor-(?<rack>\\d+)",
  port: "swp(?<unit>\\d+)",
  hostname: "r{rack:2}u{unit:2}",
  address: { first: ip("10.77.1.0"), step: { rack: 64, unit: 1 } },
};

/** A neighbour whose port id is the name of an interface. */
function neighbour(switchName: string, port: string): Neighbour {
  return { switchName, port, portIdKind: "interfaceName", portId: port, portDescription: "" };
}

test("a switch port becomes rack, unit, hostname and address", () => {
  assert.deepEqual(placeMachine([rack], neighbour("tor-1", "swp7")), {
    kind: "placed",
    placement: {
      switchName: "tor-1",
      port: "swp7",
      position: { rack: "1", unit: "7" },
      hostname: "r01u07",
      address: ip("10.77.1.71"),
      lldp: { portIdKind: "interfaceName", portId: "swp7", portDescription: "" },
    },
  });
});

test("the first matching rule wins, and a pattern is over the whole text", () => {
  const other = { ...rack, switch: "tor-(?<rack>\\d+)b", hostname: "b{rack}" };
  const placed = placeMachine([rack, other], neighbour("tor-2b", "swp1"));
  assert.equal(placed.kind === "placed" && placed.placement.hostname, "b2");
});

test("numbers that count by more than one: the first is 1, others match the next rule", () => {
  const odd = { ...rack, port: "Eth(?<unit>\\d+)", counting: { unit: { first: 1, every: 2 } } };
  const even = { ...odd, counting: { unit: { first: 2, every: 2 } }, hostname: "e{unit}" };
  const names = ["Eth1", "Eth3", "Eth4", "Eth0"].map((port) => {
    const result = placeMachine([odd, even], neighbour("tor-1", port));
    return result.kind === "placed" ? [result.placement.hostname, result.placement.address] : result.kind;
  });
  const address = (unit: number) => ip("10.77.1.64") + unit;
  assert.deepEqual(names, [["r01u01", address(1)], ["r01u02", address(2)], ["e2", address(2)], "unplaced"]);
  assert.deepEqual(
    checkPlacementRules([{ ...rack, counting: { row: { first: 0, every: 4 } } }]).map(({ path }) => path),
    ["0.counting.row"],
  );
});

test("an order with rules that an older init would misread has a higher protocol number", () => {
  const { port: _usual, ...rest } = rack;
  const newer = [
    { ...rest, portId: "x" },
    { ...rack, portIdKind: "local" as const },
    { ...rack, portDescription: "x" },
  ];
  assert.deepEqual([[rack], ...newer.map((rule) => [rack, rule])].map(protocolForRules), [1, 2, 2, 2]);
  assert.equal(protocolForRules([{ ...rack, counting: { unit: { first: 0, every: 4 } } }]), 2);
  assert.equal(protocolForRules([]), 1);
  const order = { action: "birth", placementRules: [rack] } as const;
  const burnInRule = (burnIn: "failed" | "suspect") => ({ ...order, imageRules: [{ image: "x", when: { burnIn } }] });
  const clean = { ...burnInRule("failed"), action: "clean", erase: { sanitize: "require" } } as const;
  assert.equal(protocolForOrder(clean), 6, "an older init would destroy keys only");
  assert.deepEqual([protocolForOrder(burnInRule("failed")), protocolForOrder(burnInRule("suspect"))], [1, 4]);
  const architecture = [{ image: "x", when: { architecture: "arm64" } }] as const;
  assert.equal(protocolForOrder({ ...order, imageRules: architecture }), 8);
  const layoutsOf = (fileSystem: "ext4" | "xfs") => [
    { ...{ name: "x", swapMiB: 0, volumes: [] }, data: [{ disks: {}, fileSystem, mountPoint: "/srv", least: 1 }] },
  ];
  const [ext4, xfs] = [layoutsOf("ext4"), layoutsOf("xfs")].map((layouts) =>
    protocolForOrder({ ...burnInRule("failed"), layouts }),
  );
  assert.deepEqual([ext4, xfs], [7, 9]);
});

const unplaced: readonly { title: string; rules: readonly PlacementRule[]; port?: string; reason: RegExp }[] = [
  {
    title: "no rules",
    rules: [],
    reason: /there are no placement rules: expected one that matches switch "tor-1" port "swp7"/,
  },
  {
    title: "an unknown port",
    rules: [rack],
    port: "mgmt0",
    reason: /the only placement rule does not match .*"mgmt0"/,
  },
  { title: "an invalid pattern", rules: [{ ...rack, port: "swp(" }], reason: /rule 1: invalid port pattern/ },
  {
    title: "an unknown group in the name",
    rules: [{ ...rack, hostname: "r{row}" }],
    reason: /expected a hostname .*, found "r\{row\}"/,
  },
  {
    title: "an unknown group in the address",
    rules: [{ ...rack, address: { first: ip("10.0.0.0"), step: { row: 1 } } }],
    reason: /"row"/,
  },
  {
    title: "a group that is not a number",
    rules: [{ ...rack, port: "(?<unit>.*)", hostname: "a" }],
    reason: /expected a number in the group "unit", found "swp7"/,
  },
  {
    title: "an address beyond IPv4",
    rules: [{ ...rack, address: { first: ip("255.255.255.0"), step: { rack: 256 } } }],
    reason: /outside the IPv4 address space/,
  },
];
for (const row of unplaced) {
  test(`a machine is not placed, with the reason: ${row.title}`, () => {
    const result = placeMachine(row.rules, neighbour("tor-1", row.port ?? "swp7"));
    assert.equal(result.kind, "unplaced");
    assert.match(result.kind === "unplaced" ? result.reason : "", row.reason);
  });
}

const portless: PlacementRule = {
  switch: rack.switch,
  hostname: "r{rack}",
  address: { first: ip("10.0.0.1"), step: {} },
};
const checked: readonly { title: string; rule: PlacementRule; paths: readonly string[] }[] = [
  { title: "a good rule", rule: rack, paths: [] },
  {
    title: "by port id, subtype and description",
    ...{
      rule: { ...rack, port: "swp.*", portId: "(?<unit>\\d+)", portIdKind: "local", portDescription: ".*" },
      paths: [],
    },
  },
  { title: "no port in any way", rule: portless, paths: ["0.port"] },
  { title: "a group in two patterns", rule: { ...rack, portId: "(?<unit>.*)" }, paths: ["0.portId"] },
  { title: "invalid patterns", rule: { ...rack, switch: "(", port: "[" }, paths: ["0.switch", "0.port"] },
  { title: "a group used twice", rule: { ...rack, port: "swp(?<rack>\\d+)" }, paths: ["0.port"] },
  {
    title: "unknown groups",
    rule: { ...rack, hostname: "{row}", address: { first: ip("10.0.0.0"), step: { col: 1 } } },
    paths: ["0.hostname", "0.address.step.col"],
  },
  { title: "an invalid hostname", rule: { ...rack, hostname: "r_{rack}" }, paths: ["0.hostname"] },
  { title: "an unclosed field", rule: { ...rack, hostname: "r{rack" }, paths: ["0.hostname"] },
];
for (const row of checked) {
  test(`placement rules checked: ${row.title}`, () => {
    assert.deepEqual(
      checkPlacementRules([row.rule]).map((problem) => problem.path),
      row.paths,
    );
  });
}

const hardware: Hardware = {
  cpus: 8,
  cpuModel: "a CPU",
  memoryMiB: 16384,
  disks: [
    {
      path: "/dev/vda",
      model: "",
      serial: "",
      wwn: "",
      sizeBytes: 80 * 2 ** 30,
      rotational: false,
      removable: false,
      bus: "virtio",
    },
    {
      path: "/dev/vdb",
      model: "",
      serial: "",
      wwn: "",
      sizeBytes: 80 * 2 ** 30,
      rotational: true,
      removable: false,
      bus: "virtio",
    },
    {
      path: "/dev/sdc",
      model: "",
      serial: "",
      wwn: "",
      sizeBytes: 80 * 2 ** 30,
      rotational: true,
      removable: true,
      bus: "usb",
    },
  ],
  nics: [],
  firmware: "uefi",
  secureBoot: false,
  tpm: false,
  watchdog: "",
  smbios: { vendor: "Acme", product: "Server 5", serial: "", uuid: "" },
};
const imageRows: readonly {
  when: NonNullable<ImageRule["when"]>;
  burnIn?: "passed" | "failed" | "skipped";
  holds: boolean;
}[] = [
  { when: {}, holds: true },
  { when: { burnIn: "failed" }, burnIn: "failed", holds: true },
  { when: { burnIn: "failed" }, burnIn: "skipped", holds: false },
  { when: { burnIn: "passed" }, burnIn: "skipped", holds: true },
  { when: { minCpus: 8 }, holds: true },
  { when: { minCpus: 9 }, holds: false },
  { when: { minMemoryMiB: 16385 }, holds: false },
  { when: { minStorageGiB: 160 }, holds: true },
  { when: { minStorageGiB: 161 }, holds: false },
  { when: { minDisks: 3 }, holds: false },
  { when: { firmware: "bios" }, holds: false },
  { when: { architecture: "amd64" }, holds: true },
  { when: { architecture: "arm64" }, holds: false },
  { when: { product: "Server \\d" }, holds: true },
  { when: { product: "Server" }, holds: false },
  { when: { product: "(" }, holds: false },
  { when: { minCpus: 8, minDisks: 2 }, holds: true },
];
for (const row of imageRows) {
  test(`image rule ${JSON.stringify(row.when)} ${row.holds ? "matches" : "does not match"} (burn-in ${row.burnIn ?? "passed"})`, () => {
    const choice = chooseImage(
      [
        { image: "this", when: row.when },
        { image: "other", when: {} },
      ],
      hardware,
      row.burnIn ?? "passed",
    );
    assert.equal(choice.kind === "chosen" && choice.image, row.holds ? "this" : "other");
  });
}

test("no image rule matches: the reason lists the facts of the machine", () => {
  const choice = chooseImage([{ image: "big", when: { minCpus: 99 } }], hardware, "passed");
  assert.match(
    choice.kind === "none" ? choice.reason : "",
    /amd64, 8 CPUs, 16384 MiB memory, 160 GiB storage, burn-in passed/,
  );
});

test("an arm64 machine gets an image for it, and no other; the reason names those that are for others", () => {
  const arm64 = { ...hardware, architecture: "arm64" } as const;
  const rules = [
    { image: "compute", when: { architecture: "amd64" } },
    { image: "compute-arm", when: { architecture: "arm64" } },
  ] as const;
  assert.deepEqual(chooseImage(rules, arm64, "passed"), {
    kind: "chosen",
    image: "compute-arm",
    why: "image rule 2: architecture arm64",
  });
  const none = chooseImage(rules.slice(0, 1), arm64, "passed");
  assert.match(none.kind === "none" ? none.reason : "", /this machine: arm64, 8 CPUs.*; compute is for amd64$/);
});

test("image rules checked: an invalid pattern, and an unreachable rule", () => {
  const problems = checkImageRules([
    { image: "a", when: { product: "(" } },
    { image: "b", when: {} },
    { image: "c", when: { minCpus: 1 } },
  ]);
  assert.deepEqual(
    problems.map((problem) => problem.path),
    ["0.when.product", "2"],
  );
});
