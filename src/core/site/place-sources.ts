import { neighbourBy } from "../lldp/neighbour.ts";
import type { SwitchPort } from "../machine/heard-place.ts";
import { placeAmong } from "./place.ts";
import {
  type ChassisSlot,
  type Neighbour,
  type Placement,
  type PlacementResult,
  type PlacementRule,
  type PlaceSource,
  placeSources,
  type RelayPort,
} from "./placement.ts";

/** What is known of where a machine is, by source. */
export type PlaceEvidence = {
  readonly neighbours: readonly Neighbour[];
  readonly relay?: RelayPort;
  readonly chassis?: ChassisSlot;
  readonly operator?: SwitchPort;
};

/** How a source is called in reasons. */
export const sourceNames: { readonly [Source in PlaceSource]: string } = {
  lldp: "LLDP",
  option82: "DHCP option 82",
  chassis: "the chassis slot",
  operator: "an operator",
};

/** What a source says, in the form in which rules are tried: `switch` and `port`. */
export function neighboursBy(source: PlaceSource, evidence: PlaceEvidence): readonly Neighbour[] {
  const { neighbours, relay, chassis, operator } = evidence;
  switch (source) {
    case "lldp":
      return neighbours;
    case "option82":
      return relay?.circuitId === undefined ? [] : [namedPort(relay.remoteId ?? relay.giaddr ?? "", relay.circuitId)];
    case "chassis":
      return chassis === undefined ? [] : [namedPort(chassis.serial, chassis.slot)];
    case "operator":
      return operator === undefined ? [] : [namedPort(operator.switchName, operator.port)];
  }
}

/** A source's two texts, as a neighbour whose port is an interface name. */
export function namedPort(switchName: string, port: string): Neighbour {
  return neighbourBy(switchName, { portIdKind: "interfaceName", portId: port, portDescription: "" });
}

/** The rules of a source, each at its number in the list. An operator names a switch port as LLDP does. */
function isRuleOf(source: PlaceSource): (rule: PlacementRule) => boolean {
  return ({ source: own = "lldp" }) => own === (source === "operator" ? "lldp" : source);
}

/** Whether LLDP can give a place by these rules. Without any rule, what is heard helps to write one. */
export function asksLldp(rules: readonly PlacementRule[]): boolean {
  return rules.length === 0 || rules.some(isRuleOf("lldp"));
}

/** The place that one source gives; undefined if it says nothing, or if no rule is about it. */
export function placeFrom(
  source: PlaceSource,
  rules: readonly PlacementRule[],
  evidence: PlaceEvidence,
): PlacementResult | undefined {
  const said = neighboursBy(source, evidence);
  if (said.length === 0 || !(source === "lldp" || rules.some(isRuleOf(source)))) return undefined;
  const result = placeAmong(rules, said, isRuleOf(source));
  if (result.kind === "unplaced" || source === "lldp") return result;
  const { lldp: _notLldp, ...placement } = result.placement;
  return { kind: "placed", placement: { ...placement, source } };
}

/**
 * The place of a machine: that of the first source that gives one, in the order of `placeSources`. Sources that give different places are a conflict that
 * names both sides; without a place, the reason says what each source lacks.
 */
export function placeByEvidence(rules: readonly PlacementRule[], evidence: PlaceEvidence): PlacementResult {
  const results = placeSources.flatMap((source) => {
    const result = placeFrom(source, rules, evidence);
    return result === undefined ? [] : [{ source, result }];
  });
  const contradiction = results.find(({ result }) => result.kind === "unplaced" && result.conflict === true);
  if (contradiction !== undefined) return contradiction.result;
  const placed = results.flatMap(({ source, result }) =>
    result.kind === "placed" ? [{ source, placement: result.placement }] : [],
  );
  const [first] = placed;
  if (first === undefined) return { kind: "unplaced", reason: whyNowhere(rules, results) };
  const other = placed.find(({ placement }) => placement.hostname !== first.placement.hostname);
  if (other === undefined) return { kind: "placed", placement: first.placement };
  return {
    kind: "unplaced",
    conflict: true,
    reason: `expected sources that give one place, found ${describe(first)} and ${describe(other)}`,
  };
}

function describe({ source, placement }: { readonly source: PlaceSource; readonly placement: Placement }): string {
  return `${placement.hostname} by ${sourceNames[source]} ("${placement.switchName}" "${placement.port}")`;
}

function whyNowhere(
  rules: readonly PlacementRule[],
  results: readonly { readonly source: PlaceSource; readonly result: PlacementResult }[],
): string {
  const [first] = results;
  const reasonOf = (result: PlacementResult) => (result.kind === "unplaced" ? result.reason : "");
  if (first === undefined) return rules.length === 0 ? "there are no placement rules" : "no source says anything";
  if (results.length === 1 && first.source === "lldp") return reasonOf(first.result);
  return results.map(({ source, result }) => `${sourceNames[source]}: ${reasonOf(result)}`).join("; ");
}
