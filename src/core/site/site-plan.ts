import { neighbourBy } from "../lldp/neighbour.ts";
import { formatIpv4, formatPrefix, type Ipv4, prefixBroadcast, prefixContains } from "../net/ipv4.ts";
import { type Network, permanentPart } from "../network/network.ts";
import { placeMachine } from "./place.ts";
import type { Placement, PlacementRule } from "./placement.ts";
import { fillTemplate } from "./template.ts";

/** Slots that a site expects machines in: every unit of every rack, and how their switches and ports are called. */
export type SlotArea = {
  readonly racks: readonly number[];
  readonly units: readonly number[];
  /** Templates of the LLDP names, with `{rack}` and `{unit}`. */
  readonly switch: string;
  readonly port: string;
};

/** One expected slot: its place by the rules, or why it has none. */
export type PlannedSlot = { readonly rack: number; readonly unit: number } & PortPlan;

/** What the rules make of a switch port. */
export type PortPlan = {
  readonly switchName: string;
  readonly port: string;
  readonly placement?: Placement;
  readonly fault?: string;
};

/** Slots of a plan at most: twice the largest fleet that is measured. */
export const slotLimit = 200_000;

/** Every slot of a site in order. */
export function planSlots(areas: readonly SlotArea[], rules: readonly PlacementRule[]): PlannedSlot[] {
  return areas.flatMap((area) =>
    area.racks.flatMap((rack) =>
      area.units.map((unit) => {
        const position = { rack: String(rack), unit: String(unit) };
        const [switchName, port] = [area.switch, area.port].map((text) => fillTemplate(text, position));
        return { rack, unit, ...planPort(rules, switchName ?? "", port ?? "") };
      }),
    ),
  );
}

/** What the rules make of a switch that sends these names by LLDP, the port as an interface name. */
function planPort(rules: readonly PlacementRule[], switchName: string, port: string): PortPlan {
  const fields = { portIdKind: "interfaceName", portId: port, portDescription: "" } as const;
  const result = placeMachine(rules, neighbourBy(switchName, fields));
  const names = { switchName, port };
  return result.kind === "placed" ? { ...names, placement: result.placement } : { ...names, fault: result.reason };
}

/** The expected units of each rack, by the names that machines there get from the rules. */
export type ExpectedSlots = ReadonlyMap<string, ReadonlySet<string>>;

/** The slots of a plan by rack; a slot without a place counts by the numbers of the plan. */
export function expectedSlots(slots: readonly PlannedSlot[]): ExpectedSlots {
  const racks = new Map<string, Set<string>>();
  for (const { rack, unit, placement } of slots) {
    const position = placement?.position;
    const name = position?.rack ?? String(rack);
    const units = racks.get(name) ?? new Set();
    racks.set(name, units.add(position?.unit ?? String(unit)));
  }
  return racks;
}

/** What is wrong with a plan: how many slots, and the first as an example. */
export type PlanFault = {
  readonly kind: "unplaced" | "nameTwice" | "addressTwice" | "addressUnusable";
  readonly slots: number;
  /** One sentence about the first of them. */
  readonly example: string;
};

/** What contradicts itself in a plan; linear in the number of slots. */
export function checkPlan(slots: readonly PlannedSlot[], networks: readonly Network[]): PlanFault[] {
  const unplaced = slots.filter(({ placement }) => placement === undefined);
  const unusable = slots.flatMap((slot) => {
    const { placement } = slot;
    const reason = placement && unusableReason(placement.address, networks);
    return placement === undefined || reason === undefined
      ? []
      : [`${slotText(slot)}: ${formatIpv4(placement.address)} of ${placement.hostname} ${reason}`];
  });
  const faults: readonly (PlanFault | undefined)[] = [
    faultOf("unplaced", unplaced.length, `${slotText(unplaced[0])}: ${unplaced[0]?.fault}`),
    shared(slots, "nameTwice", ({ hostname }) => ({ key: hostname, text: `the name ${hostname}` })),
    shared(slots, "addressTwice", ({ address }) => ({ key: address, text: `the address ${formatIpv4(address)}` })),
    shared(slots, "addressTwice", ({ ipv6 }) =>
      ipv6 === undefined ? undefined : { key: ipv6, text: `the address ${ipv6}` },
    ),
    faultOf("addressUnusable", unusable.length, unusable[0] ?? ""),
  ];
  return faults.filter((fault) => fault !== undefined);
}

function faultOf(kind: PlanFault["kind"], slots: number, example: string): PlanFault | undefined {
  return slots === 0 ? undefined : { kind, slots, example };
}

/** What a place is to a plan: whether a slot is expected there, and which other slots have its name or address. */
export type BesidePlan = { readonly isExpected: boolean; readonly collisions: readonly string[] };

/** Collisions of one place that are named. */
const collisionLimit = 5;

/** Compares a place with the slots of a plan; the slot of the same rack and unit with the same name and address is the place itself. */
export function besidePlan(placement: Placement, slots: readonly PlannedSlot[]): BesidePlan {
  const { hostname, address, ipv6, position } = placement;
  let isExpected = false;
  const collisions: string[] = [];
  for (const slot of slots) {
    const { placement: other } = slot;
    if (other === undefined) continue;
    const shared = [
      ...(other.hostname === hostname ? [`the name ${hostname}`] : []),
      ...(other.address === address ? [`the address ${formatIpv4(address)}`] : []),
      ...(ipv6 !== undefined && other.ipv6 === ipv6 ? [`the address ${ipv6}`] : []),
    ];
    const isItself =
      other.hostname === hostname &&
      other.address === address &&
      other.position.rack === position.rack &&
      other.position.unit === position.unit;
    if (isItself) isExpected = true;
    else if (shared.length > 0 && collisions.length < collisionLimit)
      collisions.push(`${shared.join(" and ")} ${shared.length === 1 ? "is" : "are"} also of ${slotText(slot)}`);
  }
  return { isExpected, collisions };
}

/** Slots that share a name or an address with another one. */
function shared(
  slots: readonly PlannedSlot[],
  kind: PlanFault["kind"],
  of: (placement: Placement) => { readonly key: string | Ipv4; readonly text: string } | undefined,
): PlanFault | undefined {
  const holders = new Map<string | Ipv4, PlannedSlot[]>();
  for (const slot of slots) {
    const held = slot.placement && of(slot.placement);
    if (held === undefined) continue;
    const group = holders.get(held.key) ?? [];
    if (group.push(slot) === 1) holders.set(held.key, group);
  }
  const groups = [...holders.values()].filter(({ length }) => length > 1);
  const [first] = groups;
  const [one, other] = first ?? [];
  const example = one?.placement && of(one.placement);
  if (example === undefined) return undefined;
  const count = groups.reduce((sum, { length }) => sum + length, 0);
  return {
    kind,
    slots: count,
    example: `${example.text} is that of ${slotText(one)} and of ${slotText(other)}`,
  };
}

function slotText(slot: PlannedSlot | undefined): string {
  return slot === undefined ? "" : `rack ${slot.rack} unit ${slot.unit} (${slot.switchName} ${slot.port})`;
}

/** Why no machine can keep an address permanently, in words that follow it; undefined if one can. */
export function unusableReason(address: Ipv4, networks: readonly Network[]): string | undefined {
  const network = networks.find((one) => prefixContains(permanentPart(one).prefix, address));
  if (network === undefined) {
    const prefixes = networks.map((one) => formatPrefix(permanentPart(one).prefix));
    return `is in no permanent network (${prefixes.join(", ")})`;
  }
  const { prefix, serverAddress, gateway } = permanentPart(network);
  if (address === prefix.address || address === prefixBroadcast(prefix)) return "is no address of a host";
  if ([serverAddress, gateway, network.serverAddress, network.relay?.gateway].includes(address))
    return "belongs to the server or gateway";
  const pool = networks.find(({ temporaryPool: { first, last } }) => address >= first && address <= last);
  return pool === undefined ? undefined : `is in the temporary pool of network ${pool.name}`;
}
