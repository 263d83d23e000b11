import * as v from "valibot";
import {
  addToIpv4,
  formatIpv4,
  formatPrefix,
  type Ipv4,
  type Prefix,
  prefixBroadcast,
  prefixContains,
} from "../../core/net/ipv4.ts";
import { ipv6PrefixContains, parseIpv6, parseIpv6Prefix } from "../../core/net/ipv6.ts";
import { type Network, type PermanentPart, permanentPart } from "../../core/network/network.ts";
import { entriesOf, expectedOf, itemOf, wrappedIn } from "../schema-walk.ts";
import type { ConfigFault } from "./networks.ts";
import { checkRules, sitePlanFaults } from "./rules.ts";
import { type Config, configSchema } from "./schema.ts";

export type ConfigResult =
  | { readonly kind: "config"; readonly config: Config; readonly warnings: readonly ConfigFault[] }
  | { readonly kind: "refused"; readonly faults: readonly ConfigFault[] };

/** The configuration in a parsed YAML document, or all its faults; with `planApart`, without those of the plan of the site. */
export function checkConfig(document: unknown, { planApart = false } = {}): ConfigResult {
  const parsed = v.safeParse(configSchema, document ?? {});
  if (!parsed.success) return { kind: "refused", faults: parsed.issues.map(faultOfIssue) };
  const config = parsed.output;
  const rules = checkRules(config);
  const faults = [
    ...config.networks.flatMap((network, index) => checkNetwork(network, `networks[${index}]`)),
    ...checkTogether(config),
    ...rules.faults,
    ...(planApart ? [] : sitePlanFaults(config)),
  ];
  if (faults.length > 0) return { kind: "refused", faults };
  const noNursery: ConfigFault = {
    path: "networks",
    expected: "a network with nursery: true (without one, no unknown machine is born)",
    found: "none",
  };
  const nursery = config.networks.some((network) => network.nursery);
  const own = [...(nursery ? [] : [noNursery]), ...unsealedNetworks(config)];
  return { kind: "config", config, warnings: [...own, ...rules.warnings] };
}

/** Networks whose machines get Debian's signed loaders, so that their disk keys stay plain although they are to be sealed. */
function unsealedNetworks({ storage, networks }: Config): readonly ConfigFault[] {
  if (!storage.sealDiskKey) return [];
  return networks.flatMap(({ secureBoot, secureBootKey }, index) =>
    secureBoot && secureBootKey !== "own"
      ? [
          {
            path: `networks[${index}].secureBootKey`,
            expected: "own where storage.sealDiskKey is set (a kernel changes PCR 4 of Debian's signed loaders)",
            found: "debian: disk keys of machines that are born there are not sealed",
          },
        ]
      : [],
  );
}

/** One line for the operator: `networks[0].prefix: expected an IPv4 prefix …, found "10.77.0.1"`. */
export function formatFault(fault: ConfigFault): string {
  return `${fault.path}: expected ${fault.expected}, found ${fault.found}`;
}

function checkNetwork(network: Network, path: string): ConfigFault[] {
  const { prefix, serverAddress, temporaryPool: pool, relay } = network;
  const permanent = permanentPart(network);
  const faults = [
    ...checkReach(network, path),
    // A server is normally outside a relayed network.
    ...(relay === undefined ? outside(`${path}.serverAddress`, serverAddress, prefix) : []),
    ...(relay === undefined
      ? outside(`${path}.permanent.serverAddress`, permanent.serverAddress, permanent.prefix)
      : outside(`${path}.relay.gateway`, relay.gateway, prefix)),
    ...(permanent.gateway === undefined
      ? []
      : outside(`${path}.permanent.gateway`, permanent.gateway, permanent.prefix)),
  ];
  faults.push(
    ...outside(`${path}.temporaryPool.first`, pool.first, prefix),
    ...outside(`${path}.temporaryPool.last`, pool.last, prefix),
  );
  faults.push(...checkIpv6Gateway(permanent, path));
  const range = `${formatIpv4(pool.first)}–${formatIpv4(pool.last)}`;
  if (pool.first > pool.last) {
    faults.push({
      path: `${path}.temporaryPool`,
      found: range,
      expected: "a first address that is not above the last",
    });
  }
  for (const [name, ours] of [
    ["serverAddress", serverAddress],
    ["permanent.serverAddress", permanent.serverAddress],
    ["relay.gateway", relay?.gateway ?? serverAddress],
  ] as const) {
    if (ours < pool.first || ours > pool.last) continue;
    const expected = `a pool without ${formatIpv4(ours)}, the address in ${name}`;
    faults.push({ path: `${path}.temporaryPool`, found: range, expected });
    break;
  }
  return faults;
}

function checkIpv6Gateway({ ipv6 }: PermanentPart, path: string): ConfigFault[] {
  const gateway = ipv6?.gateway === undefined ? undefined : parseIpv6(ipv6.gateway);
  const prefix = ipv6 && parseIpv6Prefix(ipv6.prefix);
  if (ipv6?.gateway === undefined || gateway === undefined || prefix === undefined) return [];
  if (ipv6PrefixContains(prefix, gateway) || ((gateway[0] ?? 0) & 0xffc0) === 0xfe80) return [];
  const expected = `an address in ${ipv6.prefix}, or a link-local one`;
  return [{ path: `${path}.permanent.ipv6.gateway`, found: ipv6.gateway, expected }];
}

/** A network is reached either through an interface or through relay agents. */
function checkReach({ interface: device, relay, permanent, mode }: Network, path: string): ConfigFault[] {
  if (relay !== undefined && mode === "proxy") {
    const expected =
      "full or listen (relay agents forward a request to one DHCP server, which must lease the address, too)";
    return [{ path: `${path}.mode`, found: mode, expected }];
  }
  if (device === undefined && relay === undefined) {
    const expected = "the name of a network interface, or a section `relay` for a network behind relay agents";
    return [{ path: `${path}.interface`, found: "nothing", expected }];
  }
  if (device !== undefined && relay !== undefined) {
    const expected =
      "no section `relay` beside `interface` (relayed requests from this network are answered without it)";
    return [{ path: `${path}.relay`, found: "a section", expected }];
  }
  if (relay !== undefined && permanent !== undefined && permanent.gateway === undefined) {
    const expected = "the gateway through which machines on this relayed network reach the server";
    return [{ path: `${path}.permanent.gateway`, found: "nothing", expected }];
  }
  return [];
}

function outside(path: string, address: Ipv4, prefix: Prefix): ConfigFault[] {
  const usable = prefixContains(prefix, address) && address !== prefix.address && address !== prefixBroadcast(prefix);
  if (usable) return [];
  const range = `${formatIpv4(addToIpv4(prefix.address, 1))} to ${formatIpv4(addToIpv4(prefixBroadcast(prefix), -1))}`;
  return [{ path, found: formatIpv4(address), expected: `an address in ${formatPrefix(prefix)} (${range})` }];
}

function checkTogether(config: Config): ConfigFault[] {
  const faults: ConfigFault[] = [];
  config.networks.forEach((network, index) => {
    for (const [otherIndex, other] of config.networks.slice(0, index).entries()) {
      const path = `networks[${index}]`;
      if (network.name === other.name) {
        faults.push({
          path: `${path}.name`,
          found: network.name,
          expected: `a name that differs from that of networks[${otherIndex}]`,
        });
      }
      if (network.interface !== undefined && network.interface === other.interface) {
        faults.push({
          path: `${path}.interface`,
          found: network.interface,
          expected: `an interface that differs from that of networks[${otherIndex}]`,
        });
      }
      for (const [name, prefix] of prefixesOf(network)) {
        for (const [otherName, otherPrefix] of prefixesOf(other)) {
          if (!prefixContains(prefix, otherPrefix.address) && !prefixContains(otherPrefix, prefix.address)) continue;
          const expected = `a prefix that does not overlap networks[${otherIndex}].${otherName} ${formatPrefix(otherPrefix)}`;
          faults.push({ path: `${path}.${name}`, found: formatPrefix(prefix), expected });
        }
      }
    }
  });
  const ports = Object.entries(config.ports);
  ports.forEach(([name, port], index) => {
    const [other] = ports.slice(0, index).find(([, taken]) => taken === port) ?? [];
    if (other === undefined) return;
    faults.push({ path: `ports.${name}`, found: String(port), expected: `a port that differs from ports.${other}` });
  });
  faults.push(...logPortFaults(config));
  const { certificate, key } = config.operators;
  if ((certificate === undefined) !== (key === undefined)) {
    const missing = certificate === undefined ? "certificate" : "key";
    faults.push({
      path: `operators.${missing}`,
      found: "nothing",
      expected: "both a certificate and its key, or neither",
    });
  }
  const { minRootDiskMiB, espMiB, bootMiB } = config.storage;
  if (minRootDiskMiB < espMiB + bootMiB + 256) {
    const expected = `at least ${espMiB + bootMiB + 256} (espMiB + bootMiB + 256 for the root file system)`;
    faults.push({ path: "storage.minRootDiskMiB", found: String(minRootDiskMiB), expected });
  }
  return faults;
}

/** The UDP ports of DHCP, TFTP and PXE. */
const bootProtocolPorts: ReadonlySet<number> = new Set([67, 68, 69, 4011]);

function logPortFaults({ machineLogs: { udpPort } }: Config): readonly ConfigFault[] {
  if (!bootProtocolPorts.has(udpPort)) return [];
  const expected = "a port that is not that of DHCP, TFTP or PXE";
  return [{ path: "machineLogs.udpPort", found: String(udpPort), expected }];
}

function prefixesOf(network: Network): [string, Prefix][] {
  const permanent: [string, Prefix][] =
    network.permanent === undefined ? [] : [["permanent.prefix", network.permanent.prefix]];
  return [["prefix", network.prefix], ...permanent];
}

function faultOfIssue(issue: v.InferIssue<typeof configSchema>): ConfigFault {
  const keys = (issue.path ?? []).map((item) => item.key as string | number);
  const path =
    keys
      .map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`))
      .join("")
      .replace(/^\./, "") || "the file";
  const last = issue.path?.[issue.path.length - 1];
  if (last?.origin === "key" && issue.expected === "never") return unknownKey(path, keys);
  const missing = issue.received === "undefined" || last?.origin === "key";
  return {
    path,
    found: missing ? "nothing" : shown(issue.input),
    expected: expectedAt(keys) ?? issue.expected ?? issue.message,
  };
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

function unknownKey(path: string, keys: readonly (string | number)[]): ConfigFault {
  const known = Object.keys(objectAt(keys.slice(0, -1)) ?? {});
  const typed = String(keys[keys.length - 1]);
  const near = known.find((key) => distance(key.toLowerCase(), typed.toLowerCase()) <= 2);
  const expected = near === undefined ? `one of the keys ${known.join(", ")}` : `the key ${near}`;
  return { path, expected, found: `the unknown key ${typed}` };
}

/** Levenshtein distance between two keys; quadratic, which is fine for words this short. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? a.length;
}

/** The schema at a path, without its optional wrapping. */
function schemaAt(keys: readonly (string | number)[]): v.GenericSchema | undefined {
  let schema: v.GenericSchema | undefined = configSchema;
  for (const key of keys) {
    schema = bare(schema);
    schema = schema && (entriesOf(schema)?.[String(key)] ?? itemOf(schema));
  }
  return bare(schema);
}

function bare(schema: v.GenericSchema | undefined): v.GenericSchema | undefined {
  const inner = schema && wrappedIn(schema);
  return inner === undefined ? schema : bare(inner);
}

function objectAt(keys: readonly (string | number)[]) {
  const schema = schemaAt(keys);
  return schema && entriesOf(schema);
}

function expectedAt(keys: readonly (string | number)[]): string | undefined {
  const schema = schemaAt(keys);
  if (schema === undefined) return undefined;
  const expected = expectedOf(schema);
  if (expected !== undefined) return expected;
  const entries = entriesOf(schema);
  if (entries !== undefined) return `a section with ${Object.keys(entries).join(", ")}`;
  return schema.type === "array" ? "a list" : undefined;
}
