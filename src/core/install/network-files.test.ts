import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkProfile } from "../host-network/profile.ts";
import { machineFilterLines, parseFilter } from "../image/filter.ts";
import { ip, macOf } from "../net/testing/addresses.ts";
import { describeLinks, type HostNetworkPlan, networkFiles } from "./network-files.ts";

const [first, second, third] = [1, 2, 3].map((n) => ({ name: `eth${n}`, mac: macOf(`52:54:00:00:00:0${n}`) }));
const nic = (given: typeof first) => given ?? assert.fail();
const link = (name: string, more: Partial<LinkProfile> = {}): LinkProfile => ({
  ...{ name, addresses: [], routes: [], vlans: [] },
  ...more,
});
const lacp = { mode: "802.3ad", lacpRate: "fast", hashPolicy: "layer3+4", minLinks: 1, least: 2 } as const;
const permanent = {
  ...{ address: ip("10.77.1.71"), prefixLength: 24, gateway: ip("10.77.1.1"), nameservers: [ip("10.77.1.53")] },
  ipv6: {
    ...{ address: "2001:db8:1::47", prefixLength: 64, gateway: "fe80::1", nameservers: ["2001:db8:1::53"] },
  },
};
const whole: HostNetworkPlan = {
  permanent: { ...permanent, vlan: 120 },
  position: { rack: "1", unit: "7" },
  links: [
    {
      link: link("bond0", {
        ...{ bond: lacp, nics: {}, mtu: 9000, routes: [{ to: "10.0.0.0/8", via: "10.77.1.2" }] },
        vlans: [
          {
            ...{ vlan: 200, mtu: 1500, routes: [] },
            addresses: [{ first: "10.90.0.0", step: { rack: 256, unit: 1 }, prefixLength: 16 }],
          },
        ],
      }),
      nics: [nic(first), nic(second)],
    },
    {
      link: link("store", { addresses: [{ first: "2001:db8:2::", step: { unit: 1 }, prefixLength: 64 }] }),
      nics: [nic(third)],
    },
  ],
};

const textsOf = (plan: HostNetworkPlan) =>
  Object.fromEntries(
    networkFiles(plan).map(({ path, text }) => [path.replace("/etc/systemd/network/10-birther.", ""), text]),
  );

test("a bond whose permanent network is tagged, with another VLAN, and a second link", () => {
  assert.deepEqual(textsOf(whole), {
    link: `[Match]
MACAddress=52:54:00:00:00:01 52:54:00:00:00:02 52:54:00:00:00:03
Type=ether

[Link]
NamePolicy=keep kernel database onboard slot path
MACAddressPolicy=none
`,
    "bond0.netdev": `[NetDev]
Name=bond0
Kind=bond
MACAddress=52:54:00:00:00:01
MTUBytes=9000

[Bond]
Mode=802.3ad
MIIMonitorSec=100ms
LACPTransmitRate=fast
TransmitHashPolicy=layer3+4
MinLinks=1
`,
    "bond0-nics.network": `[Match]
PermanentMACAddress=52:54:00:00:00:01 52:54:00:00:00:02
Type=ether

[Link]
RequiredForOnline=no

[Network]
Bond=bond0
LLDP=yes
EmitLLDP=nearest-bridge
`,
    "bond0.network": `[Match]
Name=bond0
Type=bond

[Link]
MTUBytes=9000
RequiredForOnline=no

[Network]
LinkLocalAddressing=no
IPv6AcceptRA=no
VLAN=bond0.120
VLAN=bond0.200
`,
    "bond0.120.netdev": "[NetDev]\nName=bond0.120\nKind=vlan\nMTUBytes=9000\n\n[VLAN]\nId=120\n",
    "bond0.120.network": `[Match]
Name=bond0.120
Type=vlan

[Link]
MTUBytes=9000

[Network]
Address=10.77.1.71/24
Address=2001:db8:1::47/64
Gateway=10.77.1.1
Gateway=fe80::1
IPv6AcceptRA=no
DNS=10.77.1.53
DNS=2001:db8:1::53

[Route]
Destination=10.0.0.0/8
Gateway=10.77.1.2
`,
    "bond0.200.netdev": "[NetDev]\nName=bond0.200\nKind=vlan\nMTUBytes=1500\n\n[VLAN]\nId=200\n",
    "bond0.200.network": `[Match]
Name=bond0.200
Type=vlan

[Link]
MTUBytes=1500

[Network]
Address=10.90.1.7/16
`,
    "store.network": `[Match]
MACAddress=52:54:00:00:00:03
Type=ether

[Network]
Address=2001:db8:2::7/64
LLDP=yes
EmitLLDP=nearest-bridge
`,
  });
  assert.equal(describeLinks(whole), "bond0 of eth1, eth2 (802.3ad), VLAN 120, VLAN 200; store on eth3");
});

test("one NIC with IPv6 beside IPv4, untagged: addresses stand at the NIC itself", () => {
  const { ipv6, ...rest } = permanent;
  const { gateway: _advertised, ...listening } = ipv6;
  const plan = {
    ...whole,
    permanent: { ...rest, ipv6: listening },
    links: [{ link: link("main"), nics: [nic(first)] }],
  };
  const texts = textsOf(plan);
  assert.deepEqual(Object.keys(texts), ["link", "main.network"]);
  assert.match(
    texts["main.network"] ?? "",
    /Address=10\.77\.1\.71\/24\nAddress=2001:db8:1::47\/64\nGateway=10\.77\.1\.1\nDNS=/,
  );
  // Without a gateway of its own it listens to router advertisements.
  assert.doesNotMatch(texts["main.network"] ?? "", /AcceptRA|LinkLocal/);
});

test("an update of any image leaves every one of these files alone", () => {
  const parsed = parseFilter(machineFilterLines);
  const filter = parsed.kind === "filter" ? parsed.filter : assert.fail();
  for (const { path } of networkFiles(whole)) assert.equal(filter.protects(path), true, path);
});
