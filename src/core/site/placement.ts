import type { Ipv4 } from "../net/ipv4.ts";

/** The other end of the cable, as LLDP announces it (IEEE 802.1AB: system name, and port id or description). */
export type Neighbour = {
  readonly switchName: string;
  readonly port: string;
};

/** The switch port that a machine is connected to, and the hostname and address that follow from it. */
export type Placement = {
  readonly switchName: string;
  readonly port: string;
  /** Values of the rule's named groups, e.g. `{ rack: "1", unit: "7" }`. */
  readonly position: { readonly [group: string]: string };
  readonly hostname: string;
  readonly address: Ipv4;
};

/**
 * A rule that turns a switch port into a position, a hostname and an address. Rules are tried in order; the first match wins.
 * `switch` and `port` are regular expressions over the whole text; their named groups are the position.
 */
export type PlacementRule = {
  readonly switch: string;
  readonly port: string;
  /** Template: `{rack}` is a group's text, `{rack:2}` the same text zero-padded to two digits. */
  readonly hostname: string;
  /** The address is `first + Σ group × step`, e.g. from 10.1.1.0 with the steps `{ rack: 64, unit: 1 }`. */
  readonly address: { readonly first: Ipv4; readonly step: { readonly [group: string]: number } };
};

export type PlacementResult =
  | { readonly kind: "placed"; readonly placement: Placement }
  | { readonly kind: "unplaced"; readonly reason: string };
