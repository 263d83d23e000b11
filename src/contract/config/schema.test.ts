import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { configDocs } from "./docs.ts";
import { permanentOf } from "./networks.ts";
import { checkConfig, formatFault } from "./parse.ts";

const network = {
  name: "rack",
  interface: "rack0",
  serverAddress: "10.77.0.1",
  prefix: "10.77.0.0/24",
  temporaryPool: { first: "10.77.0.50", last: "10.77.0.250" },
  nursery: true,
  permanent: { prefix: "10.77.1.0/24", serverAddress: "10.77.1.1", gateway: "10.77.1.1", nameservers: [] },
};
const rule = {
  switch: "tor-(?<rack>\\d+)",
  port: "swp(?<unit>\\d+)",
  hostname: "r{rack:2}u{unit:2}",
  address: { first: "10.77.1.0", step: { rack: 64, unit: 1 } },
};
const good = { networks: [network], placement: { rules: [rule] } };

const { interface: _device, permanent: _permanent, ...wireless } = network;
const relayed = {
  ...{ ...wireless, name: "row7", prefix: "10.78.0.0/24", relay: { gateway: "10.78.0.1" } },
  temporaryPool: { first: "10.78.0.50", last: "10.78.0.250" },
};

test("a relayed network beside a local one, both by the same address of ours", () => {
  const result = checkConfig({ ...good, networks: [network, relayed] });
  assert.ok(result.kind === "config", JSON.stringify(result));
  const [, row7] = result.config.networks;
  assert.deepEqual([row7?.interface, row7?.relay?.agents], [undefined, []]);
  assert.equal(formatIpv4(permanentOf(row7 ?? assert.fail()).gateway ?? assert.fail()), "10.78.0.1");
});

test("a small file is enough; all else has a default", () => {
  const result = checkConfig(good);
  assert.ok(result.kind === "config", JSON.stringify(result));
  assert.deepEqual(result.warnings, []);
  const { config } = result;
  assert.deepEqual(
    [
      config.stateDirectory,
      config.ports,
      config.placement.lldpSeconds,
      config.storage.allowUnencrypted,
      config.retrySeconds,
    ],
    ["/var/lib/birther", { http: 80, machines: 443, operators: 8443 }, 40, false, 30],
  );
  assert.equal(config.burnIn.memoryPercent, 80);
  assert.deepEqual(config.images.at(-1), { image: "compute" });
  assert.equal(formatIpv4(config.networks[0]?.serverAddress ?? assert.fail()), "10.77.0.1");
});

const refusals: [title: string, document: unknown, expected: string][] = [
  ["an empty file", undefined, "networks: found nothing; meant is at least one network"],
  ["no document at all", "hello", 'the file: found "hello"; meant is a section with stateDirectory, '],
  ["no network", { networks: [] }, "networks: found []; meant is at least one network"],
  [
    "a misspelt key",
    { networks: [{ ...network, nurserry: true }] },
    "networks[0].nurserry: found a key that means nothing; meant is nursery",
  ],
  [
    "a foreign key",
    { ...good, dhcpd: {} },
    "dhcpd: found a key that means nothing; meant is one of stateDirectory, networks",
  ],
  [
    "a missing key",
    { networks: [{ ...network, interface: undefined }] },
    "networks[0].interface: found nothing; meant is the name of a network interface, or a section `relay`",
  ],
  [
    "proxy mode behind a relay",
    { networks: [{ ...network, interface: undefined, relay: { gateway: "10.77.0.254" }, mode: "proxy" }] },
    "networks[0].mode: found proxy; meant is full or listen",
  ],
  [
    "a mode that is none",
    { networks: [{ ...network, mode: "half" }] },
    'networks[0].mode: found "half"; meant is full, proxy or listen',
  ],
  [
    "an interface and relays",
    { ...good, networks: [{ ...network, relay: { gateway: "10.77.0.2" } }] },
    "networks[0].relay: found a section; meant is no such section for a network on an interface",
  ],
  [
    "a relayed network's gateway elsewhere",
    { ...good, networks: [network, { ...relayed, relay: { gateway: "10.0.0.1" } }] },
    "networks[1].relay.gateway: found 10.0.0.1; meant is an address inside 10.78.0.0/24",
  ],
  [
    "a relayed network's gateway in its pool",
    { ...good, networks: [network, { ...relayed, relay: { gateway: "10.78.0.60" } }] },
    "networks[1].temporaryPool: found 10.78.0.50–10.78.0.250; meant is a pool without the address 10.78.0.60",
  ],
  [
    "a relayed permanent network without a way to us",
    { networks: [network, { ...relayed, permanent: { prefix: "10.79.0.0/24", serverAddress: "10.77.0.1" } }] },
    "networks[1].permanent.gateway: found nothing; meant is the machines' way to us",
  ],
  [
    "a bad address",
    { networks: [{ ...network, serverAddress: "10.77.0.256" }] },
    'networks[0].serverAddress: found "10.77.0.256"; meant is an IPv4 address',
  ],
  [
    "host bits in a prefix",
    { networks: [{ ...network, prefix: "10.77.0.1/24" }] },
    'networks[0].prefix: found "10.77.0.1/24"; meant is an IPv4 prefix',
  ],
  [
    "a burn-in that would take weeks",
    { ...good, burnIn: { diskMiB: 1_048_576 } },
    "burnIn.diskMiB: found 1048576; meant is a whole number of mebibytes, 0 to 65536",
  ],
  [
    "a port beyond 65535",
    { ...good, ports: { http: 80_000 } },
    "ports.http: found 80000; meant is a TCP port, 1 to 65535",
  ],
  [
    "one port for two",
    { ...good, ports: { http: 80, machines: 80 } },
    "ports.machines: found 80; meant is another port than ports.http",
  ],
  [
    "operators at the machines' port",
    { ...good, ports: { operators: 443 } },
    "ports.operators: found 443; meant is another port than ports.machines",
  ],
  [
    "a certificate without its key",
    { ...good, operators: { certificate: "/etc/birther/cert.pem" } },
    "operators.key: found nothing; meant is a certificate and its key, or neither",
  ],
  [
    "a name that is none",
    { ...good, operators: { names: ["mdb_1.example.org"] } },
    'operators.names[0]: found "mdb_1.example.org"; meant is a host name such as birther.example.org',
  ],
  [
    "a blast radius of nothing",
    { ...good, blastRadius: { machines: 0 } },
    "blastRadius.machines: found 0; meant is a whole number of machines, 1 to 1000000",
  ],
  [
    "our address outside the network",
    { networks: [{ ...network, serverAddress: "10.78.0.1" }] },
    "networks[0].serverAddress: found 10.78.0.1; meant is an address inside 10.77.0.0/24: 10.77.0.1 to 10.77.0.254",
  ],
  [
    "the network's own address",
    { networks: [{ ...network, serverAddress: "10.77.0.0" }] },
    "networks[0].serverAddress: found 10.77.0.0; meant is an address inside",
  ],
  [
    "a nursery without a pool",
    { networks: [{ ...network, temporaryPool: undefined }] },
    "networks[0].temporaryPool: found nothing; meant is a ",
  ],
  [
    "a pool outside the network",
    { networks: [{ ...network, temporaryPool: { first: "10.77.0.50", last: "10.77.1.5" } }] },
    "networks[0].temporaryPool.last: found 10.77.1.5",
  ],
  [
    "a pool back to front",
    { networks: [{ ...network, temporaryPool: { first: "10.77.0.60", last: "10.77.0.50" } }] },
    "networks[0].temporaryPool: found 10.77.0.60–10.77.0.50",
  ],
  [
    "a pool with our own address",
    { networks: [{ ...network, temporaryPool: { first: "10.77.0.1", last: "10.77.0.50" } }] },
    "networks[0].temporaryPool: found 10.77.0.1–10.77.0.50; meant is a pool without our own address 10.77.0.1",
  ],
  [
    "a gateway elsewhere",
    { networks: [{ ...network, permanent: { ...network.permanent, gateway: "10.9.9.9" } }] },
    "networks[0].permanent.gateway: found 10.9.9.9; meant is an address inside 10.77.1.0/24",
  ],
  [
    "a name twice",
    { networks: [network, { ...network, interface: "x", prefix: "10.1.0.0/24" }] },
    "networks[1].name: found rack; meant is a name that networks[0] has not",
  ],
  [
    "overlapping networks",
    {
      networks: [
        network,
        {
          name: "b",
          interface: "b0",
          serverAddress: "10.77.1.9",
          prefix: "10.77.1.0/24",
          temporaryPool: { first: "10.77.1.10", last: "10.77.1.20" },
        },
      ],
    },
    "networks[1].prefix: found 10.77.1.0/24; meant is a network apart from networks[0].permanent.prefix",
  ],
  [
    "a broken expression",
    { ...good, placement: { rules: [{ ...rule, port: "swp(" }] } },
    "placement.rules[0].port: found swp(; meant is a regular expression",
  ],
  [
    "a template of no group",
    { ...good, placement: { rules: [{ ...rule, hostname: "r{row}u{unit}" }] } },
    "placement.rules[0].hostname: found row; meant is one of rack, unit",
  ],
  [
    "a step of no group",
    { ...good, placement: { rules: [{ ...rule, address: { first: "10.77.1.0", step: { row: 1 } } }] } },
    "placement.rules[0].address.step.row: found row; meant is one of rack, unit",
  ],
  [
    "an address nobody routes",
    { ...good, placement: { rules: [{ ...rule, address: { ...rule.address, first: "10.99.0.0" } }] } },
    "placement.rules[0].address.first: found 10.99.0.0; meant is an address of a permanent network: 10.77.1.0/24",
  ],
  [
    "a disk too small for its parts",
    { ...good, storage: { minRootDiskMiB: 1024 } },
    "storage.minRootDiskMiB: found 1024; meant is at least 1536",
  ],
  [
    "a word where a number belongs",
    { ...good, retrySeconds: "soon" },
    'retrySeconds: found "soon"; meant is a whole number of seconds',
  ],
  [
    "a relative state directory",
    { ...good, stateDirectory: "state" },
    'stateDirectory: found "state"; meant is an absolute path',
  ],
  [
    "an image condition that does not exist",
    { ...good, images: [{ image: "x", when: { minRam: 1 } }] },
    "images[0].when.minRam: found a key that means nothing",
  ],
  [
    "a broken product expression",
    { ...good, images: [{ image: "x", when: { product: "(" } }, { image: "y" }] },
    "images[0].when.product: found (; meant is a regular expression",
  ],
  [
    "an image rule that is never reached",
    { ...good, images: [{ image: "a" }, { image: "b" }] },
    "images[1]: found image b behind rule 1",
  ],
];
describe("every refusal names the path, what was found and what was meant", () => {
  for (const [title, document, expected] of refusals) {
    test(title, () => {
      const result = checkConfig(JSON.parse(JSON.stringify(document ?? null)));
      assert.ok(result.kind === "refused", "it is refused");
      const lines = result.faults.map(formatFault);
      assert.ok(
        lines.some((line) => line.startsWith(expected)),
        `${lines.join("\n")}\nshould have: ${expected}`,
      );
    });
  }
});

const warnings: [string, object, string][] = [
  ["no catch-all", { images: [{ image: "a", when: { minCpus: 2 } }] }, "images"],
  ["no placement rule", { placement: {} }, "placement.rules"],
  ["no nursery", { networks: [{ ...network, nursery: false }] }, "networks"],
];
for (const [title, change, path] of warnings) {
  test(`a warning: ${title}`, () => {
    const result = checkConfig({ ...good, ...change });
    assert.ok(result.kind === "config");
    assert.deepEqual(
      result.warnings.map((warning) => warning.path),
      [path],
    );
  });
}

test("docs/configuration.md is what the schema says (else: ./birther config docs > docs/configuration.md)", () => {
  const file = new URL("../../../docs/configuration.md", import.meta.url);
  assert.equal(readFileSync(file, "utf8"), configDocs());
});
