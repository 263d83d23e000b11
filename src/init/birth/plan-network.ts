import type { OrderAnswer } from "../../core/birth/order-answer.ts";
import type { Nic } from "../../core/hardware/hardware.ts";
import { scanNics } from "../../core/hardware/scan.ts";
import { asksNeighbours, assignNics } from "../../core/host-network/assign-nics.ts";
import { type NetworkProfile, plainProfile } from "../../core/host-network/profile.ts";
import { describeLinks, type HostNetworkPlan } from "../../core/install/network-files.ts";
import type { Placement } from "../../core/site/placement.ts";
import { type LldpListener, listenForLldp } from "../device/network/neighbour.ts";
import { systemTree } from "../device/tree.ts";
import type { BirthContext } from "./birth-context.ts";
import { stop } from "./stop.ts";
import type { TakenOrder } from "./take-order.ts";

/** Listeners on the NICs beside the one that booted. */
export type LegListeners = ReadonlyMap<string, LldpListener>;

/** Starts to listen on the other NICs, if a profile asks what is on their cables; none otherwise. */
export function listenOnLegs({ console }: BirthContext, { order, settings }: TakenOrder): LegListeners {
  if (!(order.networkProfiles ?? []).some(asksNeighbours)) return new Map();
  const others = scanNics(systemTree).filter(({ mac }) => mac !== settings.mac);
  return new Map(others.map(({ name, mac }) => [name, listenForLldp(name, mac, order.machineId, console.log)]));
}

/**
 * The network of the installed system, before anything is written to a disk; undefined if it is only the NIC that booted
 * with one address. Waits for LLDP on the other cables if the profile asks for it.
 */
export function planNetwork(
  context: BirthContext,
  { order, settings, nic }: TakenOrder,
  {
    placement,
    booted,
    legs,
  }: { readonly placement: Placement; readonly booted: LldpListener; readonly legs: LegListeners },
): HostNetworkPlan | undefined {
  const { vlan, ipv6, prefixLength, gateway, nameservers } = order.permanent;
  const { profile: name, position, address } = placement;
  if (name === undefined && vlan === undefined && placement.ipv6 === undefined) return undefined;
  return context.runStep("planNetwork", order.lldpSeconds + 30, () => {
    const profile = name === undefined ? plainProfile : profileOf(order, name);
    const wanted = asksNeighbours(profile) ? order.lldpSeconds : 0;
    const cables = scanNics(systemTree).map((each) => {
      const listener = each.name === nic ? booted : legs.get(each.name);
      return { ...each, neighbours: heardOn(listener, each, wanted) };
    });
    const assignment = assignNics(profile, cables, settings.mac);
    if (assignment.kind === "unassigned") throw stop(assignment.reason);
    const plan = {
      links: assignment.links,
      position,
      permanent: {
        ...{ address, prefixLength, nameservers },
        ...(gateway === undefined ? {} : { gateway }),
        ...(vlan === undefined ? {} : { vlan }),
        ...(ipv6 === undefined || placement.ipv6 === undefined ? {} : { ipv6: { ...ipv6, address: placement.ipv6 } }),
      },
    };
    context.console.log("info", "network of the installed system", { links: describeLinks(plan) });
    return plan;
  });
}

/** All frames have come since the burn-in began; a cable whose switch was silent meanwhile is waited for. */
function heardOn(listener: LldpListener | undefined, { carrier }: Nic, seconds: number) {
  if (listener === undefined) return [];
  const heard = listener.heard(() => true);
  return heard.length > 0 || !carrier ? heard : listener.listen(seconds, () => true);
}

function profileOf({ networkProfiles = [] }: OrderAnswer, name: string): NetworkProfile {
  const profile = networkProfiles.find((one) => one.name === name);
  if (profile === undefined) throw stop(`expected the network profile ${name} in the order, found none`);
  return profile;
}
