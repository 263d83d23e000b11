import type { PortKind } from "../lldp/lldpdu.ts";
import type { Ipv4 } from "../net/ipv4.ts";

/** What LLDP says of the port at the other end of the cable. */
export type PortFields = {
  readonly portIdKind: PortKind;
  readonly portId: string;
  /** Empty if the neighbour sends none. */
  readonly portDescription: string;
};

/** The other end of the cable, as LLDP announces it (IEEE 802.1AB: system name, port id and its subtype, description). */
export type Neighbour = PortFields & {
  readonly switchName: string;
  /** The port's name by the usual reading of the fields (`neighbourOf`). */
  readonly port: string;
  /** Another field that may be the port's name. `agrees`: it names the same port, so a rule may match it alone. */
  readonly otherPort?: { readonly text: string; readonly agrees: boolean };
};

/** Where a place may come from, in the order in which they count (place-sources.ts). */
export const placeSources = ["lldp", "option82", "chassis", "operator"] as const;
export type PlaceSource = (typeof placeSources)[number];

/** The sources that placement rules are about: an operator names a switch port as LLDP does. */
export const ruleSources = ["lldp", "option82", "chassis"] as const;

/** The port that a DHCP relay or a snooping switch says a request came from (RFC 3046), as texts (relay-port.ts). */
export type RelayPort = {
  /** The relay's address as a dotted quad; absent if a switch added the option on its way to us. */
  readonly giaddr?: string;
  readonly circuitId?: string;
  readonly remoteId?: string;
};

/** The slot of a blade by its firmware: serial number of the enclosure and location in it (SMBIOS types 3 and 2). */
export type ChassisSlot = { readonly serial: string; readonly slot: string };

/** Neighbours reported at most: more than this on one cable is a loop of the network. */
export const neighbourLimit = 16;

/** The switch port that a machine is connected to, and the hostname and address that follow from it. */
export type Placement = {
  readonly switchName: string;
  readonly port: string;
  /** Values of the rule's named groups, e.g. `{ rack: "1", unit: "7" }`. */
  readonly position: { readonly [group: string]: string };
  readonly hostname: string;
  readonly address: Ipv4;
  /** The permanent IPv6 address in the form of RFC 5952, if the rule gives one. */
  readonly ipv6?: string;
  /** The name of the network profile, if the rule has one. */
  readonly profile?: string;
  /** The fields that the rule was tried on; absent in records of older versions, and if the place is not from LLDP. */
  readonly lldp?: PortFields;
  /** Where the place is from; LLDP if absent. `switchName` and `port` are then what that source says. */
  readonly source?: Exclude<PlaceSource, "lldp">;
};

/** How a switch numbers its ports: `first` becomes 1, `first + every` becomes 2. Other numbers match no rule. */
export type Counting = { readonly first: number; readonly every: number };

/**
 * A rule that turns a switch port into a position, a hostname and an address. Rules are tried in order; the first match wins.
 * `switch` and the ports are regular expressions over the whole text; their named groups are the position. At least one
 * of `port`, `portId` and `portDescription` is there.
 */
export type PlacementRule = {
  /** What the rule is about, LLDP if absent: `switch` and `port` match remote id and circuit id, or enclosure and slot. */
  readonly source?: (typeof ruleSources)[number];
  readonly switch: string;
  /** The port's name by the usual reading of the fields (`neighbourOf`). */
  readonly port?: string;
  /** The port id alone, whatever its subtype. */
  readonly portId?: string;
  /** Only ports whose id has this subtype. */
  readonly portIdKind?: PortKind;
  /** The port description alone. */
  readonly portDescription?: string;
  /** Groups whose numbers count by more than one, such as SONiC's ports Ethernet0, Ethernet4, Ethernet8. */
  readonly counting?: { readonly [group: string]: Counting };
  /** Template: `{rack}` is a group's text, `{rack:2}` the same text zero-padded to two digits. */
  readonly hostname: string;
  /** The address is `first + Σ group × step`, e.g. from 10.1.1.0 with the steps `{ rack: 64, unit: 1 }`. */
  readonly address: { readonly first: Ipv4; readonly step: { readonly [group: string]: number } };
  /** The same for an IPv6 address beside it; `first` in the form of RFC 5952. */
  readonly ipv6?: { readonly first: string; readonly step: { readonly [group: string]: number } };
  /** The network profile of the installed system (core/host-network/profile.ts); the NIC that booted if absent. */
  readonly profile?: string;
};

export type PlacementResult =
  | { readonly kind: "placed"; readonly placement: Placement }
  /** `conflict`: fields or neighbours contradict each other. */
  | { readonly kind: "unplaced"; readonly reason: string; readonly conflict?: true };
