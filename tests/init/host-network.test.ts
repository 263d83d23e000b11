import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesFromHex, hexFromBytes } from "../../src/core/bytes/text.ts";
import { readArp, writeArpReply } from "../../src/core/net/arp.ts";
import { formatIpv4 } from "../../src/core/net/ipv4.ts";
import { formatIpv6 } from "../../src/core/net/ipv6.ts";
import { readNeighbourMessage } from "../../src/core/net/neighbour-discovery.ts";
import { macOf } from "../../src/core/net/testing/addresses.ts";
import { withoutVlanTag } from "../../src/core/net/vlan-tag.ts";
import type { NicFacts } from "./host/board.ts";
import { bootFromDisk } from "./host/disk-boot.ts";
import { textIn } from "./host/grub.ts";
import { lldpFrame, mac, rackMachine, type TestMachine } from "./machine.ts";
import { openSite, type Site } from "./site/site.ts";

const network = {
  ...{ name: "rack", interface: "rack0", serverAddress: "10.77.0.1", prefix: "10.77.0.0/24", nursery: true },
  temporaryPool: { first: "10.77.0.50", last: "10.77.0.250" },
};
const permanent = { prefix: "10.77.1.0/24", serverAddress: "10.77.1.1", gateway: "10.77.1.1" };
const rule = {
  ...{ switch: "tor-(?<rack>\\d+)", port: "swp(?<unit>\\d+)", hostname: "r{rack:2}u{unit:2}" },
  address: { first: "10.77.1.0", step: { rack: 64, unit: 1 } },
};
const other = macOf("02:00:00:00:00:99");
const eth1: NicFacts = {
  ...{ name: "eth1", mac: macOf("52:54:00:12:34:57"), speedMbps: 1000, hasLink: true },
  lldp: lldpFrame("tor-2", "swp7"),
};
const eth2: NicFacts = { name: "eth2", mac: macOf("52:54:00:12:34:58"), speedMbps: 1000, hasLink: true };

type Config = { readonly [key: string]: unknown };

/** A machine in a site of this configuration, beside whose first NIC there are these. */
function machineIn(
  t: { readonly after: (act: () => void) => void },
  config: Config,
  otherNics: readonly NicFacts[],
): { readonly site: Site; readonly machine: TestMachine } {
  const site = openSite({ config });
  t.after(site.close);
  return { site, machine: rackMachine(site, { otherNics }) };
}

/** A file of the system that was installed. */
function installed({ board }: TestMachine, name: string): string {
  const found = bootFromDisk(board);
  if (found.kind === "nothingToBoot") assert.fail(found.why);
  return textIn(found.root, `/etc/systemd/network/10-birther.${name}`) ?? "";
}

const bonded = (nics: Config, permanentToo: Config = {}): Config => ({
  networks: [{ ...network, permanent: { ...permanent, ...permanentToo } }],
  placement: { lldpSeconds: 10, rules: [{ ...rule, profile: "bonded" }] },
  networkProfiles: [{ name: "bonded", links: [{ name: "bond0", nics, bond: { mode: "802.3ad" }, mtu: 9000 }] }],
});

test("a birth on one leg installs a bond of the NICs whose switches match, in the VLAN of the permanent network", (t) => {
  const { site, machine } = machineIn(t, bonded({ switch: "tor-\\d" }, { vlan: 120 }), [eth1, eth2]);
  // Until the installed system tags, nobody at the permanent address answers.
  for (const endpoint of site.listeners.keys()) if (endpoint.startsWith("10.77.1.1:")) site.listeners.delete(endpoint);
  const { end, kernel } = machine.boot();
  assert.equal(end.kind, "restarted", JSON.stringify(end));
  assert.equal(kernel.nic.address(), "10.77.0.50", "the agent works with the temporary address");
  const record = site.machine(mac);
  assert.deepEqual([record.state, record.hostname, record.placement?.profile], ["healthy", "r01u07", "bonded"]);
  assert.equal(
    record.timeline.find(({ phase }) => phase === "populated")?.detail,
    "/dev/vda; bond0 of eth0, eth1 (802.3ad), VLAN 120",
  );
  assert.match(installed(machine, "bond0-nics.network"), /PermanentMACAddress=52:54:00:12:34:56 52:54:00:12:34:57\n/);
  assert.match(
    installed(machine, "bond0.120.network"),
    /MTUBytes=9000\n\n\[Network\]\nAddress=10\.77\.1\.71\/24\nGateway=10\.77\.1\.1\n/,
  );
  assert.equal(installed(machine, "network"), "");
});

test("after its birth a machine in a VLAN boots with a temporary address, is sent to its disk and comes up there", (t) => {
  const { site, machine } = machineIn(t, bonded({}, { vlan: 120 }), [eth1]);
  machine.boot();
  const { kernel } = machine.boot();
  assert.equal(kernel.nic.address(), "10.77.1.71");
  assert.deepEqual([site.machine(mac).phase, site.machine(mac).runningImage], ["up", "compute/1"]);
});

test("too few NICs: the birth stops before a disk is written to, and says which there are", (t) => {
  const { site, machine } = machineIn(t, bonded({ switch: "tor-\\d" }), [{ ...eth1, hasLink: false }, eth2]);
  const start = () => machine.board.disks.get("vda")?.read(0, 2 ** 20);
  const before = start();
  machine.bootInit();
  const { conditions, state } = site.machine(mac);
  assert.equal(state, "birth");
  assert.match(
    conditions.map(({ reason }) => reason).join("; "),
    /profile bonded, link bond0: expected at least 2 NICs .*found 1; found eth0 \(52:54:00:12:34:56, .*tor-1 swp7\); eth1 \(.*no link, tor-2 swp7\)/,
  );
  assert.deepEqual(start(), before);
});

test("another host at the permanent address in the VLAN, or at the IPv6 address: a conflict that names it", (t) => {
  const tagged = (vlan: number | undefined) => (frame: Uint8Array) => {
    const untagged = withoutVlanTag(frame);
    const asked = untagged.vlan === vlan ? readArp(untagged.frame) : undefined;
    if (asked === undefined || formatIpv4(asked.targetAddress) !== "10.77.1.71") return [];
    return [writeArpReply({ mac: other, address: asked.targetAddress }, asked)];
  };
  const advertise = (frame: Uint8Array) => {
    const asked = readNeighbourMessage(frame);
    if (asked === undefined || formatIpv6(asked.target) !== "2001:db8:1::47") return [];
    const target = hexFromBytes(frame.subarray(62, 78));
    const head = `333300000001${other.replaceAll(":", "")}86dd6000000000183aff${target}ff02${"0".repeat(27)}1`;
    return [bytesFromHex(`${head}8800000020000000${target}`) ?? assert.fail()];
  };
  const ipv6Config = {
    networks: [{ ...network, permanent: { ...permanent, ipv6: { prefix: "2001:db8:1::/64" } } }],
    placement: { lldpSeconds: 10, rules: [{ ...rule, ipv6: { first: "2001:db8:1::", step: { rack: 64, unit: 1 } } }] },
  };
  const rows = [
    [bonded({}, { vlan: 120 }), tagged(120), /expected 10\.77\.1\.71, .*02:00:00:00:00:99/],
    [bonded({}, { vlan: 120 }), tagged(undefined), undefined],
    [ipv6Config, advertise, /expected 2001:db8:1::47, .*02:00:00:00:00:99/],
  ] as const;
  for (const [config, answer, expected] of rows) {
    const { site, machine } = machineIn(t, config, [eth1]);
    machine.bootInit({ wire: { answer } });
    const conflict = site.machine(mac).conditions.find(({ kind }) => kind === "conflict");
    if (expected === undefined) assert.equal(conflict, undefined);
    else assert.match(conflict?.reason ?? "none", expected);
  }
});

test("IPv6 beside IPv4: on the record, and in the installed system", (t) => {
  const { site, machine } = machineIn(
    t,
    {
      networks: [{ ...network, permanent: { ...permanent, ipv6: { prefix: "2001:db8:1::/64", gateway: "fe80::1" } } }],
      placement: { rules: [{ ...rule, ipv6: { first: "2001:db8:1::", step: { rack: 65_536, unit: 1 } } }] },
    },
    [],
  );
  machine.boot();
  assert.equal(site.machine(mac).placement?.ipv6, "2001:db8:1::1:7");
  assert.match(
    installed(machine, "main.network"),
    /Address=2001:db8:1::1:7\/64\nGateway=10\.77\.1\.1\nGateway=fe80::1\n/,
  );
});
