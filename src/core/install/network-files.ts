import { addressAt } from "../host-network/address-template.ts";
import type { AssignedLink } from "../host-network/assign-nics.ts";
import type { Addressing, Bond, VlanNetwork } from "../host-network/profile.ts";
import { formatIpv4, type Ipv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import type { HostFile } from "./paths.ts";

/** The permanent network of a machine, as its interface has it. */
export type PermanentAddresses = {
  readonly address: Ipv4;
  readonly prefixLength: number;
  readonly gateway?: Ipv4;
  readonly nameservers: readonly Ipv4[];
  /** Tagged on the cable of the NIC that booted, if there is one. */
  readonly vlan?: number;
  readonly ipv6?: PermanentIpv6;
};

/** The IPv6 part, in the canonical texts of RFC 5952. */
export type PermanentIpv6 = {
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway?: string;
  readonly nameservers: readonly string[];
};

/** What the files of a machine's network are made of. */
export type HostNetworkPlan = {
  readonly links: readonly AssignedLink[];
  readonly permanent: PermanentAddresses;
  /** The groups of its placement rule, which addresses of further interfaces are computed from. */
  readonly position: { readonly [group: string]: string };
};

/** Image filters protect this prefix, those of old images too: a file of another name would be deleted by an update. */
const prefix = "/etc/systemd/network/10-birther";

/** Keeps the switch's side of each cable readable with `networkctl lldp`. */
const lldp = ["LLDP=yes", "EmitLLDP=nearest-bridge"];

/**
 * The files of systemd-networkd for a machine whose network is more than one NIC with one address (systemd.network(5) and
 * systemd.netdev(5) of systemd 252). NICs are found by their MAC addresses; bonds and VLAN interfaces by name. Throws if an
 * address cannot be computed, which `checkProfiles` and the rules exclude.
 */
export function networkFiles({ links, permanent, position }: HostNetworkPlan): readonly HostFile[] {
  const macs = links.flatMap(({ nics }) => nics.map(({ mac }) => mac));
  return [
    file("link", [
      section("Match", [`MACAddress=${macs.join(" ")}`, "Type=ether"]),
      section("Link", ["NamePolicy=keep kernel database onboard slot path", "MACAddressPolicy=none"]),
    ]),
    ...links.flatMap((assigned, index) => linkFiles(assigned, { position, ...(index === 0 ? { permanent } : {}) })),
  ];
}

/** What the interfaces of a link are called, for the record: `bond0 of eth0, eth1 (802.3ad); bond0.120`. */
export function describeLinks({ links, permanent }: Pick<HostNetworkPlan, "links" | "permanent">): string {
  return links
    .map(({ link, nics }, index) => {
      const names = nics.map(({ name }) => name).join(", ");
      const vlans = [...(index === 0 && permanent.vlan !== undefined ? [permanent.vlan] : []), ...vlansOf(link.vlans)];
      const base =
        link.bond === undefined ? `${link.name} on ${names}` : `${link.name} of ${names} (${link.bond.mode})`;
      return [base, ...vlans.map((vlan) => `VLAN ${vlan}`)].join(", ");
    })
    .join("; ");
}

const vlansOf = (vlans: readonly VlanNetwork[]) => vlans.map(({ vlan }) => vlan);

type Around = { readonly position: HostNetworkPlan["position"]; readonly permanent?: PermanentAddresses };

function linkFiles({ link, nics }: AssignedLink, { position, permanent }: Around): readonly HostFile[] {
  const { name, bond, mtu } = link;
  const macs = nics.map(({ mac }) => mac);
  const own = addressLines(link, position);
  const carried = permanent === undefined ? own : merged(permanentLines(permanent), own);
  // The permanent network takes the link's own addressing with it into its VLAN.
  const tagged: readonly Tagged[] = [
    ...(permanent?.vlan === undefined ? [] : [{ vlan: permanent.vlan, mtu, lines: carried }]),
    ...link.vlans.map((one) => ({ vlan: one.vlan, mtu: one.mtu, lines: addressLines(one, position) })),
  ];
  const untagged = permanent?.vlan === undefined ? carried : noLines;
  const match = bond === undefined ? [`MACAddress=${macs.join(" ")}`, "Type=ether"] : [`Name=${name}`, "Type=bond"];
  return [
    ...(bond === undefined ? [] : bondFiles(bond, { name, macs, mtu })),
    file(`${name}.network`, [
      section("Match", match),
      ...interfaceSections(untagged, { mtu, vlans: tagged.map(({ vlan }) => vlanName(name, vlan)), isCable: !bond }),
    ]),
    ...tagged.flatMap((one) => vlanFiles(name, one)),
  ];
}

/** A VLAN interface of a link. */
type Tagged = { readonly vlan: number; readonly mtu: number | undefined; readonly lines: Lines };

/** Lines of the section [Network], and whole sections behind it. */
type Lines = { readonly network: readonly string[]; readonly sections: readonly string[] };

const noLines: Lines = { network: [], sections: [] };

function merged(one: Lines, other: Lines): Lines {
  return { network: [...one.network, ...other.network], sections: [...one.sections, ...other.sections] };
}

function permanentLines({ address, prefixLength, gateway, nameservers, ipv6 }: PermanentAddresses): Lines {
  const network = [
    `Address=${formatIpv4(address)}/${prefixLength}`,
    ...(ipv6 === undefined ? [] : [`Address=${ipv6.address}/${ipv6.prefixLength}`]),
    ...(gateway === undefined ? [] : [`Gateway=${formatIpv4(gateway)}`]),
    // A router that announces itself beside a configured one would be a second default route.
    ...(ipv6?.gateway === undefined ? [] : [`Gateway=${ipv6.gateway}`, "IPv6AcceptRA=no"]),
    ...nameservers.map((server) => `DNS=${formatIpv4(server)}`),
    ...(ipv6?.nameservers ?? []).map((server) => `DNS=${server}`),
  ];
  return { network, sections: [] };
}

function addressLines({ addresses, routes }: Addressing, position: HostNetworkPlan["position"]): Lines {
  return {
    network: addresses.map((template) => {
      const found = addressAt(template, position);
      if (found.kind === "none") throw new Error(`address from ${template.first}: ${found.reason}`);
      return `Address=${found.text}/${template.prefixLength}`;
    }),
    sections: routes.map(({ to, via }) => section("Route", [`Destination=${to}`, `Gateway=${via}`])),
  };
}

function interfaceSections(
  { network, sections }: Lines,
  {
    mtu,
    vlans,
    isCable,
  }: { readonly mtu: number | undefined; readonly vlans: readonly string[]; readonly isCable: boolean },
): readonly string[] {
  const hasAddresses = network.some((line) => line.startsWith("Address="));
  const link = [
    ...(mtu === undefined ? [] : [`MTUBytes=${mtu}`]),
    // The boot must not wait until an interface is online that only carries others.
    ...(hasAddresses ? [] : ["RequiredForOnline=no"]),
  ];
  const own = [
    ...network,
    ...(hasAddresses ? [] : ["LinkLocalAddressing=no", "IPv6AcceptRA=no"]),
    ...vlans.map((vlan) => `VLAN=${vlan}`),
    ...(isCable ? lldp : []),
  ];
  return [
    ...(link.length === 0 ? [] : [section("Link", link)]),
    ...(own.length === 0 ? [] : [section("Network", own)]),
    ...sections,
  ];
}

/** The bond has the MAC address of its first NIC, the one that booted, so that the switch and DHCP see one machine. */
function bondFiles(
  bond: Bond,
  { name, macs, mtu }: { readonly name: string; readonly macs: readonly Mac[]; readonly mtu: number | undefined },
): readonly HostFile[] {
  const [first = ""] = macs;
  const lacp =
    bond.mode === "802.3ad"
      ? [`LACPTransmitRate=${bond.lacpRate}`, `TransmitHashPolicy=${bond.hashPolicy}`, `MinLinks=${bond.minLinks}`]
      : [];
  return [
    file(`${name}.netdev`, [
      section("NetDev", [
        `Name=${name}`,
        "Kind=bond",
        `MACAddress=${first}`,
        ...(mtu === undefined ? [] : [`MTUBytes=${mtu}`]),
      ]),
      section("Bond", [`Mode=${bond.mode}`, "MIIMonitorSec=100ms", ...lacp]),
    ]),
    file(`${name}-nics.network`, [
      // A member gets the MAC address of the bond: its own is then only the permanent one.
      section("Match", [`PermanentMACAddress=${macs.join(" ")}`, "Type=ether"]),
      section("Link", ["RequiredForOnline=no"]),
      section("Network", [`Bond=${name}`, ...lldp]),
    ]),
  ];
}

function vlanFiles(link: string, { vlan, mtu, lines }: Tagged): readonly HostFile[] {
  const name = vlanName(link, vlan);
  return [
    file(`${name}.netdev`, [
      section("NetDev", [`Name=${name}`, "Kind=vlan", ...(mtu === undefined ? [] : [`MTUBytes=${mtu}`])]),
      section("VLAN", [`Id=${vlan}`]),
    ]),
    file(`${name}.network`, [
      section("Match", [`Name=${name}`, "Type=vlan"]),
      ...interfaceSections(lines, { mtu, vlans: [], isCable: false }),
    ]),
  ];
}

const vlanName = (link: string, vlan: number) => `${link}.${vlan}`;

const file = (suffix: string, sections: readonly string[]): HostFile => ({
  path: `${prefix}.${suffix}`,
  mode: 0o644,
  text: sections.join("\n"),
});

const section = (name: string, lines: readonly string[]) => `${[`[${name}]`, ...lines].join("\n")}\n`;
