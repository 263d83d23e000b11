import { withAddressText } from "../../contract/address-text.ts";
import { identityOf } from "../../core/hardware/disk-identity.ts";
import type { Disk, Hardware } from "../../core/hardware/hardware.ts";
import type { LayoutProfile } from "../../core/install/layout-profile.ts";
import type { HostNetworkPlan } from "../../core/install/network-files.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { parseIpv6 } from "../../core/net/ipv6.ts";
import type { Mac } from "../../core/net/mac.ts";
import { chooseImage } from "../../core/site/choose-image.ts";
import type { BurnInOutcome } from "../../core/site/image-rule.ts";
import { describeNeighbour, placeMachine } from "../../core/site/place.ts";
import { asksLldp, placeByEvidence, sourceNames } from "../../core/site/place-sources.ts";
import type { Neighbour, Placement } from "../../core/site/placement.ts";
import { hostAt, ipv6HostAt } from "../device/network/address-probe.ts";
import type { LldpListener } from "../device/network/neighbour.ts";
import type { BirthContext } from "./birth-context.ts";
import { requestSeconds } from "./mdb.ts";
import { type LegListeners, planNetwork } from "./plan-network.ts";
import { conflict, type Stop, stop } from "./stop.ts";
import type { TakenOrder } from "./take-order.ts";

/** Reports the neighbours of a machine before its place is computed, each set once. */
export type NeighbourReports = {
  /** Reports what was heard since the last look, without waiting: where a machine is, or that no rule says so, is known early. */
  readonly look: () => void;
  readonly report: (neighbours: readonly Neighbour[]) => void;
};

/** Opens the reports of a birth. */
export function neighbourReports(
  { runStep }: BirthContext,
  { order, session }: TakenOrder,
  listener: LldpListener,
): NeighbourReports {
  let reported = "[]";
  const report = (neighbours: readonly Neighbour[]) => {
    const text = JSON.stringify(neighbours);
    if (text === reported) return;
    runStep("report", requestSeconds, () => session.report([{ kind: "neighbours", neighbours }]));
    reported = text;
  };
  return { report, look: () => report(listener.heard(placeOf(order))) };
}

/** A machine's place, and its network if that is more than one NIC and one address. */
export type Placed = { readonly placement: Placement; readonly network?: HostNetworkPlan };

/** Whether a neighbour gives a place by the rules of an order. */
function placeOf({ placementRules }: TakenOrder["order"]): (neighbour: Neighbour) => boolean {
  return (neighbour) => placeMachine(placementRules, neighbour).kind === "placed";
}

/**
 * From the switch port to rack, name and address, by the rules of the order; returns when the MDB has accepted the
 * placement. Before that nothing is written to a disk; afterwards `rootDisk` may be written to.
 */
export function findPlacement(
  context: BirthContext,
  taken: TakenOrder,
  found: {
    readonly listener: LldpListener;
    readonly legs: LegListeners;
    readonly reports: NeighbourReports;
    readonly rootDisk: Disk;
    readonly hardware: Hardware;
  },
): Placed {
  const { runStep, console } = context;
  const { order, session } = taken;
  const { listener, legs, reports, rootDisk, hardware } = found;
  const { relay, operatorPlace, placementRules, lldpSeconds } = order;
  const others = {
    ...(relay === undefined ? {} : { relay }),
    ...(operatorPlace === undefined ? {} : { operator: operatorPlace }),
    ...(hardware.chassis === undefined ? {} : { chassis: hardware.chassis }),
  };
  // Without rules about LLDP, its frames need not be waited for.
  const waitSeconds = asksLldp(placementRules) ? lldpSeconds : 0;
  const neighbours = runStep("findSwitchPort", lldpSeconds + 30, () => {
    const heard = waitSeconds === 0 ? listener.heard(placeOf(order)) : listener.listen(waitSeconds, placeOf(order));
    for (const neighbour of heard) console.log("info", "LLDP neighbour", { neighbour: describeNeighbour(neighbour) });
    const elsewhere = placeByEvidence(placementRules, { neighbours: [], ...others });
    if (heard.length === 0 && elsewhere.kind === "unplaced" && !elsewhere.conflict) {
      const tried = Object.keys(others).length === 0 ? "" : `; ${elsewhere.reason}`;
      throw stop(`expected an LLDP frame within ${waitSeconds} s, found none${tried}`);
    }
    return heard;
  });
  reports.report(neighbours);
  const placement = runStep("computePlace", 10, () => {
    const result = placeByEvidence(placementRules, { neighbours, ...others });
    if (result.kind === "unplaced") throw (result.conflict ? conflict : stop)(result.reason);
    return result.placement;
  });
  const { hostname, address, switchName, port, source = "lldp" } = placement;
  const dotted = formatIpv4(address);
  console.log("info", "placed", { hostname, address: dotted, switch: switchName, port, by: sourceNames[source] });
  const network = planNetwork(context, taken, { placement, booted: listener, legs });
  checkAddress(context, taken, placement);
  runStep("reportPlace", requestSeconds, () =>
    session.phase("placed", `${hostname} ${dotted}`, [
      { kind: "placed", placement: withAddressText(placement), rootDisk: identityOf(rootDisk) },
    ]),
  );
  return { placement, ...(network === undefined ? {} : { network }) };
}

/**
 * The MDB gives the permanent addresses to this machine only; a host that it does not know may use one all the same.
 * Nothing is written to a disk for a machine that could not be reached afterwards.
 */
function checkAddress(
  { console, runStep }: BirthContext,
  { nic, settings, order }: TakenOrder,
  { address, hostname, ipv6 }: Placement,
) {
  const { mac, gateway } = settings;
  const { vlan } = order.permanent;
  const wire = { nic, mac, ...(vlan === undefined ? {} : { vlan }) };
  runStep("checkAddress", 10, () => {
    const isOurs = address === settings.address;
    const other = isOurs ? undefined : hostAt(wire, address);
    // A router that answers for every address (proxy ARP) hides who else does.
    const router = vlan === undefined ? gateway : order.permanent.gateway;
    if (other !== undefined && router !== undefined && hostAt(wire, router) === other) {
      console.log("warn", "the router answers for the permanent address, so another host there cannot be seen", {
        other,
      });
    } else if (other !== undefined) throw usedBy(other, formatIpv4(address), hostname);
    const number = ipv6 === undefined ? undefined : parseIpv6(ipv6);
    const ipv6Other = number === undefined ? undefined : ipv6HostAt(wire, number);
    if (ipv6 !== undefined && ipv6Other !== undefined) throw usedBy(ipv6Other, ipv6, hostname);
  });
}

function usedBy(other: Mac, address: string, hostname: string): Stop {
  return conflict(
    `expected ${address}, the permanent address of ${hostname}, to be free, found another host with the MAC ${other} there`,
  );
}

/** From hardware and burn-in to the image, by the rules of the order. */
export function findImage(
  { runStep, console }: BirthContext,
  { order }: TakenOrder,
  facts: { readonly hardware: Hardware; readonly burnIn: BurnInOutcome },
): { readonly image: string; readonly profile?: LayoutProfile } {
  const image = runStep("chooseImage", 10, () => {
    const choice = chooseImage(order.imageRules, facts.hardware, facts.burnIn);
    if (choice.kind === "none") throw stop(choice.reason);
    return choice;
  });
  const { layout } = image;
  console.log("info", "image", { image: image.image, why: image.why, ...(layout === undefined ? {} : { layout }) });
  if (layout === undefined) return { image: image.image };
  const profile = order.layouts?.find(({ name }) => name === layout);
  if (profile === undefined) throw stop(`expected the layout ${layout} of ${image.why} in the order, found none`);
  return { image: image.image, profile };
}
