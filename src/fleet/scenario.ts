import { fillTemplate } from "../core/site/template.ts";
import type { Fault } from "./faults.ts";
import type { ParameterName, Parameters } from "./parameters.ts";

/** How the racks get their power. */
export type PowerOn = { readonly kind: "atOnce" } | { readonly kind: "rackEvery"; readonly ms: number };

/** What is simulated. */
export type Scenario = {
  readonly racks: number;
  readonly machines: number;
  readonly servers: number;
  readonly parameters: Parameters;
  readonly powerOn: PowerOn;
  /** The share of machines that get a random fault, evenly over all kinds. */
  readonly failShare: number;
  readonly faults: readonly Fault[];
  /** Whether agents offer to pass the image on. */
  readonly peers: boolean;
  readonly seed: number;
  /** Virtual time after which the simulation ends. */
  readonly limitMs: number;
  readonly slotOf: SlotOf;
  /** The first racks run a version already; an operator gives them the next one while the other racks are born. */
  readonly rollout?: { readonly racks: number };
  /** For virtual machines: the processors that they share, and how many each work keeps busy in one machine. */
  readonly host?: { readonly processors: number; readonly demands: { readonly [Name in ParameterName]?: number } };
};

/** What the switch of a rack announces to a unit; both count from 1. */
export type SlotOf = (of: { readonly rack: number; readonly unit: number }) => {
  readonly switchName: string;
  readonly port: string;
};

/** Slots with names by templates such as `tor-{rack}` and `swp{unit:2}`. */
export function slotsNamed(switchName: string, portName: string): SlotOf {
  return ({ rack, unit }) => {
    const position = { rack: String(rack), unit: String(unit) };
    return { switchName: fillTemplate(switchName, position), port: fillTemplate(portName, position) };
  };
}
