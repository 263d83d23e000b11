import { locationPath } from "../export/location-path.ts";
import type { Machine } from "../machine/record.ts";
import type { UploadRules } from "./upload-limit.ts";

/** With whom a machine passes images on. */
export type RackOfMachine = {
  /** Machines with the same one reach each other without an uplink, as far as we know. */
  readonly rack: string;
  /** Nobody knows what is between it and any other machine: it only receives. */
  readonly isAlone: boolean;
};

/** What is known of networks and uplinks. */
export type RackRules = Pick<UploadRules, "rackUplinkMbps"> & {
  /** Whether a router is between this network and the server, so that the machines of the network share its uplink. */
  readonly isRelayed: (network: string) => boolean;
};

/**
 * The rack of a machine: its location, or the switch that it is placed at, or the one switch that it heard by LLDP. Without any of them,
 * the machines of a relayed network count as one rack, if no limit is set for the uplinks of racks: should that network have several
 * racks, an image comes into each as often as without peers, and out of it, which a limit forbids. All other machines are alone.
 */
export function rackOf(machine: Machine, { isRelayed, rackUplinkMbps }: RackRules): RackOfMachine {
  const { id, placement, network } = machine;
  const known = locationPath(machine) ?? placement?.switchName ?? switchHeardBy(machine);
  if (known !== undefined) return { rack: known, isAlone: false };
  if (network !== undefined && rackUplinkMbps === undefined && isRelayed(network))
    return { rack: `network ${network}`, isAlone: false };
  return { rack: `machine ${id}`, isAlone: true };
}

/** The switch at the other end of its cable; undefined if it heard none, or several. */
function switchHeardBy({ neighbours = [], heard }: Machine): string | undefined {
  const names = new Set(neighbours.map(({ switchName }) => switchName).filter((name) => name !== ""));
  const [only] = names;
  if (names.size > 0) return names.size === 1 ? only : undefined;
  return heard?.kind === "placed" ? heard.switchName : undefined;
}
