/** Which NICs a link takes, of those that have a link; every condition that is there must hold. Patterns match the whole text. */
export type NicRule = {
  /** Regular expression over the name that the Bootstrap Image's kernel gives the NIC, such as `eth0`. */
  readonly name?: string;
  /** Regular expression over its driver. */
  readonly driver?: string;
  /** The slowest link in megabits per second; a NIC whose driver reports none does not match. */
  readonly minMbps?: number;
  /** Regular expressions over what a neighbour on its cable sends by LLDP: its system name and port. */
  readonly switch?: string;
  readonly port?: string;
};

/** The hash policies of the kernel's bonding driver that systemd 252 can set (systemd.netdev(5)). */
export const hashPolicies = ["layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4"] as const;

/** How NICs become one interface. `least`: with fewer NICs than this, the birth stops. */
export type Bond =
  | {
      /** LACP (IEEE 802.1AX): the switch has the ports in one LAG. */
      readonly mode: "802.3ad";
      readonly lacpRate: "slow" | "fast";
      readonly hashPolicy: (typeof hashPolicies)[number];
      /** Members with a link below which the bond has none. */
      readonly minLinks: number;
      readonly least: number;
    }
  | { readonly mode: "active-backup"; readonly least: number };

/** Addresses of a machine by its position: `first + Σ group × step`. `first` is the text of an IPv4 or IPv6 address. */
export type AddressTemplate = {
  readonly first: string;
  readonly step: { readonly [group: string]: number };
  readonly prefixLength: number;
};

/** A static route, by texts of one family; `0.0.0.0/0` and `::/0` are default routes. */
export type Route = { readonly to: string; readonly via: string };

/** What an interface has beside its link. */
export type Addressing = { readonly addresses: readonly AddressTemplate[]; readonly routes: readonly Route[] };

/** A tagged network on a link. */
export type VlanNetwork = Addressing & { readonly vlan: number; readonly mtu?: number };

/**
 * One NIC, or several as a bond. The first link of a profile has the NIC that booted, and carries the permanent address,
 * gateway and name servers beside its own addressing; in the VLAN of the permanent network if that is tagged.
 */
export type LinkProfile = Addressing & {
  /** The name of the bond, and the first part of the names of VLAN interfaces. */
  readonly name: string;
  /** Absent: only the NIC that booted. */
  readonly nics?: NicRule;
  readonly bond?: Bond;
  readonly mtu?: number;
  readonly vlans: readonly VlanNetwork[];
};

/** The network of an installed system; a placement rule names it. */
export type NetworkProfile = { readonly name: string; readonly links: readonly LinkProfile[] };

/** The network of a machine whose placement rule names no profile: the NIC that booted. */
export const plainProfile: NetworkProfile = {
  name: "plain",
  links: [{ name: "main", addresses: [], routes: [], vlans: [] }],
};
