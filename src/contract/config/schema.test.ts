import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { permanentPart } from "../../core/network/network.ts";
import { configDocs } from "./docs.ts";
import { checkConfig, formatFault } from "./parse.ts";
import { testNetworkInput } from "./testing/test-config.ts";
import { othersUpdate } from "./updates.ts";

const network = { ...testNetworkInput, permanent: { ...testNetworkInput.permanent, nameservers: [] } };
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
  assert.equal(formatIpv4(permanentPart(row7 ?? assert.fail()).gateway ?? assert.fail()), "10.78.0.1");
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
    ["/var/lib/birther", { http: 80, machines: 443, images: 8088, confidential: 8444, operators: 8443 }, 40, false, 30],
  );
  assert.equal(config.burnIn.memoryPercent, 80);
  assert.deepEqual(config.images.at(-1), { image: "compute", when: {} });
  assert.equal(formatIpv4(config.networks[0]?.serverAddress ?? assert.fail()), "10.77.0.1");
});

const refusals: [title: string, document: unknown, expected: string][] = [
  ["an empty file", undefined, "networks: expected at least one network, found nothing"],
  [
    "no document at all",
    "hello",
    'the file: expected a section with stateDirectory, networks, database, ports, operators, blastRadius, maxMachines, maxRequestsPerMinute, maxConnectionsPerAddress, uplinkMbps, peers, objectMirrors, placement, networkProfiles, site, images, bootstrapImage, burnIn, storage, watch, machineLogs, exports, retrySeconds, orderSeconds, found "hello"',
  ],
  ["no network", { networks: [] }, "networks: expected at least one network, found []"],
  [
    "a misspelt key",
    { networks: [{ ...network, nurserry: true }] },
    "networks[0].nurserry: expected the key nursery, found the unknown key nurserry",
  ],
  [
    "a foreign key",
    { ...good, dhcpd: {} },
    "dhcpd: expected one of the keys stateDirectory, networks, database, ports, operators, blastRadius, maxMachines, maxRequestsPerMinute, maxConnectionsPerAddress, uplinkMbps, peers, objectMirrors, placement, networkProfiles, site, images, bootstrapImage, burnIn, storage, watch, machineLogs, exports, retrySeconds, orderSeconds, found the unknown key dhcpd",
  ],
  [
    "a missing key",
    { networks: [{ ...network, interface: undefined }] },
    "networks[0].interface: expected the name of a network interface, or a section `relay` for a network behind relay agents, found nothing",
  ],
  [
    "proxy mode behind a relay",
    { networks: [{ ...network, interface: undefined, relay: { gateway: "10.77.0.254" }, mode: "proxy" }] },
    "networks[0].mode: expected full or listen (relay agents forward a request to one DHCP server, which must lease the address, too), found proxy",
  ],
  [
    "a mode that is none",
    { networks: [{ ...network, mode: "half" }] },
    'networks[0].mode: expected full, proxy or listen, found "half"',
  ],
  [
    "a firmware family that there is not",
    { ...good, bootstrapImage: { firmware: ["bnx2x", "bnx3"] } },
    'bootstrapImage.firmware[1]: expected bnx2, bnx2x, cxgb4, ice, liquidio, myri10ge, netxen, nfp, qede, r8169 or tg3, found "bnx3"',
  ],
  [
    "an interface and relays",
    { ...good, networks: [{ ...network, relay: { gateway: "10.77.0.2" } }] },
    "networks[0].relay: expected no section `relay` beside `interface` (relayed requests from this network are answered without it), found a section",
  ],
  [
    "a relayed network's gateway elsewhere",
    { ...good, networks: [network, { ...relayed, relay: { gateway: "10.0.0.1" } }] },
    "networks[1].relay.gateway: expected an address in 10.78.0.0/24 (10.78.0.1 to 10.78.0.254), found 10.0.0.1",
  ],
  [
    "a relayed network's gateway in its pool",
    { ...good, networks: [network, { ...relayed, relay: { gateway: "10.78.0.60" } }] },
    "networks[1].temporaryPool: expected a pool without 10.78.0.60, the address in relay.gateway, found 10.78.0.50–10.78.0.250",
  ],
  [
    "a relayed permanent network without a way to us",
    { networks: [network, { ...relayed, permanent: { prefix: "10.79.0.0/24", serverAddress: "10.77.0.1" } }] },
    "networks[1].permanent.gateway: expected the gateway through which machines on this relayed network reach the server, found nothing",
  ],
  [
    "a bad address",
    { networks: [{ ...network, serverAddress: "10.77.0.256" }] },
    'networks[0].serverAddress: expected an IPv4 address such as 10.77.0.1, found "10.77.0.256"',
  ],
  [
    "host bits in a prefix",
    { networks: [{ ...network, prefix: "10.77.0.1/24" }] },
    'networks[0].prefix: expected an IPv4 prefix such as 10.77.0.0/24, without host bits, /8 to /30, found "10.77.0.1/24"',
  ],
  [
    "a burn-in that would take weeks",
    { ...good, burnIn: { diskMiB: 1_048_576 } },
    "burnIn.diskMiB: expected a whole number of mebibytes, 0 to 65536, found 1048576",
  ],
  [
    "a port beyond 65535",
    { ...good, ports: { http: 80_000 } },
    "ports.http: expected a TCP port, 1 to 65535, found 80000",
  ],
  [
    "one port for two",
    { ...good, ports: { http: 80, machines: 80 } },
    "ports.machines: expected a port that differs from ports.http, found 80",
  ],
  [
    "operators at the machines' port",
    { ...good, ports: { operators: 443 } },
    "ports.operators: expected a port that differs from ports.machines, found 443",
  ],
  [
    "log lines at TFTP's port",
    { ...good, machineLogs: { udpPort: 69 } },
    "machineLogs.udpPort: expected a port that is not that of DHCP, TFTP or PXE, found 69",
  ],
  [
    "a certificate without its key",
    { ...good, operators: { certificate: "/etc/birther/cert.pem" } },
    "operators.key: expected both a certificate and its key, or neither, found nothing",
  ],
  [
    "a name that is none",
    { ...good, operators: { names: ["mdb_1.example.org"] } },
    'operators.names[0]: expected a host name such as birther.example.org, found "mdb_1.example.org"',
  ],
  [
    "a blast radius of nothing",
    { ...good, blastRadius: { machines: 0 } },
    "blastRadius.machines: expected a whole number of machines, 1 to 1000000, found 0",
  ],
  [
    "our address outside the network",
    { networks: [{ ...network, serverAddress: "10.78.0.1" }] },
    "networks[0].serverAddress: expected an address in 10.77.0.0/24 (10.77.0.1 to 10.77.0.254), found 10.78.0.1",
  ],
  [
    "the network's own address",
    { networks: [{ ...network, serverAddress: "10.77.0.0" }] },
    "networks[0].serverAddress: expected an address in 10.77.0.0/24 (10.77.0.1 to 10.77.0.254), found 10.77.0.0",
  ],
  [
    "a nursery without a pool",
    { networks: [{ ...network, temporaryPool: undefined }] },
    "networks[0].temporaryPool: expected a section with first, last, found nothing",
  ],
  [
    "a pool outside the network",
    { networks: [{ ...network, temporaryPool: { first: "10.77.0.50", last: "10.77.1.5" } }] },
    "networks[0].temporaryPool.last: expected an address in 10.77.0.0/24 (10.77.0.1 to 10.77.0.254), found 10.77.1.5",
  ],
  [
    "a pool back to front",
    { networks: [{ ...network, temporaryPool: { first: "10.77.0.60", last: "10.77.0.50" } }] },
    "networks[0].temporaryPool: expected a first address that is not above the last, found 10.77.0.60–10.77.0.50",
  ],
  [
    "a pool with our own address",
    { networks: [{ ...network, temporaryPool: { first: "10.77.0.1", last: "10.77.0.50" } }] },
    "networks[0].temporaryPool: expected a pool without 10.77.0.1, the address in serverAddress, found 10.77.0.1–10.77.0.50",
  ],
  [
    "a gateway elsewhere",
    { networks: [{ ...network, permanent: { ...network.permanent, gateway: "10.9.9.9" } }] },
    "networks[0].permanent.gateway: expected an address in 10.77.1.0/24 (10.77.1.1 to 10.77.1.254), found 10.9.9.9",
  ],
  [
    "a name twice",
    { networks: [network, { ...network, interface: "x", prefix: "10.1.0.0/24" }] },
    "networks[1].name: expected a name that differs from that of networks[0], found rack",
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
    "networks[1].prefix: expected a prefix that does not overlap networks[0].permanent.prefix 10.77.1.0/24, found 10.77.1.0/24",
  ],
  [
    "a broken expression",
    { ...good, placement: { rules: [{ ...rule, port: "swp(" }] } },
    "placement.rules[0].port: expected a regular expression (Invalid regular expression: /^(?:swp()$/: Unterminated group), found swp(",
  ],
  [
    "a template of no group",
    { ...good, placement: { rules: [{ ...rule, hostname: "r{row}u{unit}" }] } },
    "placement.rules[0].hostname: expected one of the groups rack, unit, found row",
  ],
  [
    "a step of no group",
    { ...good, placement: { rules: [{ ...rule, address: { first: "10.77.1.0", step: { row: 1 } } }] } },
    "placement.rules[0].address.step.row: expected one of the groups rack, unit, found row",
  ],
  [
    "an address nobody routes",
    { ...good, placement: { rules: [{ ...rule, address: { ...rule.address, first: "10.99.0.0" } }] } },
    "placement.rules[0].address.first: expected an address of a permanent network (10.77.1.0/24), found 10.99.0.0",
  ],
  [
    "a disk too small for its parts",
    { ...good, storage: { minRootDiskMiB: 1024 } },
    "storage.minRootDiskMiB: expected at least 1536 (espMiB + bootMiB + 256 for the root file system), found 1024",
  ],
  [
    "a word where a number belongs",
    { ...good, retrySeconds: "soon" },
    'retrySeconds: expected a whole number of seconds, 1 to 86400, found "soon"',
  ],
  [
    "a relative state directory",
    { ...good, stateDirectory: "state" },
    'stateDirectory: expected an absolute path, found "state"',
  ],
  [
    "an image condition that does not exist",
    { ...good, images: [{ image: "x", when: { minRam: 1 } }] },
    "images[0].when.minRam: expected one of the keys burnIn, minCpus, minMemoryMiB, minStorageGiB, minDisks, firmware, architecture, product, found the unknown key minRam",
  ],
  [
    "a broken product expression",
    { ...good, images: [{ image: "x", when: { product: "(" } }, { image: "y" }] },
    "images[0].when.product: expected a regular expression (Invalid regular expression: /^(?:()$/: Unterminated group), found (",
  ],
  [
    "an image rule that is never reached",
    { ...good, images: [{ image: "a" }, { image: "b" }] },
    "images[1]: expected the rule without conditions at the end of the list, found a rule for image b after rule 1, which matches every machine",
  ],
];
describe("every refusal names the path, the expected value and the value found", () => {
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
  [
    "keys that are to be sealed behind Debian's signed loaders",
    { storage: { sealDiskKey: true }, networks: [{ ...network, secureBoot: true }] },
    "networks[0].secureBootKey",
  ],
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

test("docs/configuration.md matches the schema (else run ./birther config docs > docs/configuration.md)", () => {
  const file = new URL("../../../docs/configuration.md", import.meta.url);
  assert.equal(readFileSync(file, "utf8"), configDocs());
});

test("an external Dominator updates the machines where it reads an export, unless the site says otherwise", () => {
  const rows: readonly (readonly [exports: object, dominator: boolean])[] = [
    [{}, false],
    [{ dominatorMdbFile: "/var/lib/mdbd/mdb.json" }, true],
    [{ dominatorMdbByHttp: true }, true],
    [{ updatesBy: "dominator" }, true],
    [{ dominatorMdbByHttp: true, updatesBy: "birther" }, false],
  ];
  for (const [exports, dominator] of rows) {
    const checked = checkConfig({ ...good, exports });
    assert.equal(checked.kind === "config" && othersUpdate(checked.config), dominator, JSON.stringify(exports));
  }
});
