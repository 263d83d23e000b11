import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConfig, formatFault } from "./parse.ts";
import { testNetworkInput } from "./testing/test-config.ts";

type Changes = { readonly [key: string]: unknown };

const bond = { mode: "802.3ad" };
const ipv6 = { prefix: "2001:db8:1::/64" };
const good = ({
  network = {},
  permanent = {},
  rule = {},
  link = {},
  links = [],
  profiles = [],
}: {
  readonly network?: Changes;
  readonly permanent?: Changes;
  readonly rule?: Changes;
  /** The first link of the profile. */
  readonly link?: Changes;
  readonly links?: readonly Changes[];
  readonly profiles?: readonly Changes[];
}) => ({
  networks: [{ ...testNetworkInput, permanent: { ...testNetworkInput.permanent, ...permanent }, ...network }],
  placement: {
    rules: [
      {
        ...{ switch: "tor-(?<rack>\\d+)", port: "swp(?<unit>\\d+)", hostname: "r{rack:2}u{unit:2}" },
        address: { first: "10.77.1.0", step: { rack: 64, unit: 1 } },
        ...{ profile: "bonded", ...rule },
      },
    ],
  },
  networkProfiles: [{ name: "bonded", links: [{ name: "bond0", nics: {}, bond, ...link }, ...links] }, ...profiles],
});

test("a profile needs little: what is left out has a default, texts of IPv6 become canonical", () => {
  const checked = checkConfig(
    good({
      permanent: { ipv6: { prefix: "2001:DB8:1:0::/64", gateway: "FE80::0:1" } },
      rule: { ipv6: { first: "2001:db8:1:0::", step: { unit: 1 } } },
    }),
  );
  if (checked.kind === "refused") assert.fail(checked.faults.map(formatFault).join("\n"));
  const { networkProfiles, networks, placement } = checked.config;
  assert.deepEqual(networkProfiles[0]?.links[0], {
    ...{ name: "bond0", nics: {}, addresses: [], routes: [], vlans: [] },
    bond: { mode: "802.3ad", lacpRate: "fast", hashPolicy: "layer3+4", minLinks: 1, least: 2 },
  });
  assert.deepEqual(networks[0]?.permanent?.ipv6, { prefix: "2001:db8:1::/64", gateway: "fe80::1", nameservers: [] });
  assert.equal(placement.rules[0]?.ipv6?.first, "2001:db8:1::");
});

/** A bond that does not say which NICs it takes. */
const withoutNics = { ...good({}), networkProfiles: [{ name: "bonded", links: [{ name: "bond0", bond }] }] };
const defaultRoute = { to: "0.0.0.0/0", via: "10.90.0.1" };
const vlan = (number: number, more: Changes = {}) => ({ vlan: number, ...more });
const refusals: readonly (readonly [title: string, document: unknown, expected: string])[] = [
  [
    "a rule names a profile that is not there",
    good({ rule: { profile: "bonds" } }),
    "placement.rules[0].profile: expected one of bonded, found bonds",
  ],
  [
    "two profiles of one name",
    good({ profiles: [{ name: "bonded", links: [{ name: "main" }] }] }),
    "networkProfiles[1].name: expected a name that no other profile has, found bonded",
  ],
  [
    "a bond of the NIC that booted alone",
    withoutNics,
    "networkProfiles[0].links[0].nics: expected a rule that finds the NICs of the bond ({} for all with a link), found none, so a bond of one NIC",
  ],
  [
    "a bond that is content with one NIC",
    good({ link: { bond: { ...bond, least: 1 } } }),
    "networkProfiles[0].links[0].bond.least: expected a whole number of NICs, 2 to 16, found 1",
  ],
  [
    "LACP's keys in a bond without LACP",
    good({ link: { bond: { mode: "active-backup", lacpRate: "fast" } } }),
    'networkProfiles[0].links[0].bond: expected lacpRate, hashPolicy and minLinks only with mode 802.3ad, found {"mode":"active-backup","lacpRate":"fast","least":2}',
  ],
  [
    "a mode that is none",
    good({ link: { bond: { mode: "balance-rr" } } }),
    'networkProfiles[0].links[0].bond.mode: expected 802.3ad or active-backup, found "balance-rr"',
  ],
  [
    "more links than NICs",
    good({ link: { bond: { ...bond, minLinks: 3 } } }),
    "networkProfiles[0].links[0].bond.minLinks: expected at most least (2), found 3",
  ],
  [
    "an interface that is called like a NIC",
    good({ link: { name: "eth0" } }),
    "networkProfiles[0].links[0].name: expected a name that no NIC gets from the kernel or udev (eth…, en…, wl…, lo), found eth0",
  ],
  [
    "two links of one name",
    good({ links: [{ name: "bond0", nics: {} }] }),
    "networkProfiles[0].links[1].name: expected a name that no other link of the profile has, found bond0",
  ],
  [
    "a broken pattern",
    good({ link: { nics: { driver: "(" } } }),
    "networkProfiles[0].links[0].nics.driver: expected a regular expression (Invalid regular expression: /^(?:()$/: Unterminated group), found (",
  ],
  [
    "an MTU that IPv6 cannot have",
    good({ link: { mtu: 576 } }),
    "networkProfiles[0].links[0].mtu: expected an MTU in bytes, 1280 to 9600, found 576",
  ],
  [
    "a VLAN's MTU above that of its link",
    good({ link: { vlans: [vlan(7, { mtu: 9000 })] } }),
    "networkProfiles[0].links[0].vlans[0].mtu: expected at most the MTU of the link (1500), found 9000",
  ],
  [
    "a VLAN beyond 4094",
    good({ link: { vlans: [vlan(4095)] } }),
    "networkProfiles[0].links[0].vlans[0].vlan: expected a VLAN, 1 to 4094, found 4095",
  ],
  [
    "a VLAN twice",
    good({ link: { vlans: [vlan(7), vlan(7)] } }),
    "networkProfiles[0].links[0].vlans[1].vlan: expected a VLAN that the link has once, found 7",
  ],
  [
    "the VLAN of the permanent network once more",
    good({ permanent: { vlan: 120 }, link: { vlans: [vlan(120)] } }),
    "networkProfiles[0].links[0].vlans[0].vlan: expected another VLAN than that of the permanent network, whose addressing is the link's own, found 120",
  ],
  [
    "a default route beside the gateway",
    good({ link: { vlans: [vlan(7, { routes: [defaultRoute] })] } }),
    "networkProfiles[0].links[0].vlans[0].routes[0]: expected one default route for IPv4 (another leads to the gateway of the permanent network), found a second one, to 10.90.0.1",
  ],
  [
    "two default routes of a profile",
    good({ link: { routes: ["2001:db8::1", "2001:db8::2"].map((via) => ({ to: "::/0", via })) } }),
    "networkProfiles[0].links[0].routes[1]: expected one default route for IPv6 (another leads to 2001:db8::1), found a second one, to 2001:db8::2",
  ],
  [
    "a route with host bits",
    good({ link: { routes: [{ to: "10.0.0.1/8", via: "10.77.1.2" }] } }),
    "networkProfiles[0].links[0].routes[0].to: expected a prefix without host bits, such as 10.0.0.0/8 or 2001:db8::/32, found 10.0.0.1/8",
  ],
  [
    "a route of two families",
    good({ link: { routes: [{ to: "10.0.0.0/8", via: "fe80::1" }] } }),
    "networkProfiles[0].links[0].routes[0].via: expected an IPv4 address, as `to` is, found fe80::1",
  ],
  [
    "an address that is none",
    good({ link: { addresses: [{ first: "10.90.0", step: {}, prefixLength: 16 }] } }),
    "networkProfiles[0].links[0].addresses[0].first: expected an IPv4 or IPv6 address, found 10.90.0",
  ],
  [
    "a prefix longer than an address",
    good({ link: { addresses: [{ first: "10.90.0.0", step: {}, prefixLength: 64 }] } }),
    "networkProfiles[0].links[0].addresses[0].prefixLength: expected at most 32, found 64",
  ],
  [
    "a group that the rule does not have",
    good({ link: { addresses: [{ first: "10.90.0.0", step: { row: 1 }, prefixLength: 16 }] } }),
    "networkProfiles[0].links[0].addresses[0].step.row: expected a group of each rule that names the profile (one has rack, unit), found row",
  ],
  [
    "IPv6 addresses where the network has none",
    good({ rule: { ipv6: { first: "2001:db8:1::", step: { unit: 1 } } } }),
    "placement.rules[0].ipv6.first: expected permanent.ipv6 in network rack, found 2001:db8:1::",
  ],
  [
    "IPv6 addresses of another network",
    good({ permanent: { ipv6 }, rule: { ipv6: { first: "2001:db8:2::", step: { unit: 1 } } } }),
    "placement.rules[0].ipv6.first: expected an address in its prefix 2001:db8:1::/64, found 2001:db8:2::",
  ],
  [
    "an IPv6 group that the rule does not have",
    good({ permanent: { ipv6 }, rule: { ipv6: { first: "2001:db8:1::", step: { row: 1 } } } }),
    "placement.rules[0].ipv6.step.row: expected one of the groups rack, unit, found row",
  ],
  [
    "IPv6 with host bits in its prefix",
    good({ permanent: { ipv6: { prefix: "2001:db8::1/64" } } }),
    'networks[0].permanent.ipv6.prefix: expected an IPv6 prefix such as 2001:db8::/64, without host bits, /16 to /126, found "2001:db8::1/64"',
  ],
  [
    "an IPv6 gateway outside",
    good({ permanent: { ipv6: { ...ipv6, gateway: "2001:db8:2::1" } } }),
    "networks[0].permanent.ipv6.gateway: expected an address in 2001:db8:1::/64, or a link-local one, found 2001:db8:2::1",
  ],
  [
    "a tagged permanent network that is the boot network",
    good({ network: { serverAddress: "10.77.0.1" }, permanent: { vlan: 120, serverAddress: "10.77.0.1" } }),
    "networks[0].permanent.serverAddress: expected an address in 10.77.1.0/24 (10.77.1.1 to 10.77.1.254), found 10.77.0.1",
  ],
];

for (const [title, document, expected] of refusals)
  test(`refused: ${title}`, () => {
    const checked = checkConfig(document);
    assert.deepEqual(checked.kind === "refused" ? checked.faults.map(formatFault) : checked.warnings, [expected]);
  });
