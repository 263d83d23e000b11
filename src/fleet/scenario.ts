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
  /** `{rack}` and `{unit}` count from 1. */
  readonly switchName: string;
  readonly portName: string;
  /** The first racks run a version already; an operator gives them the next one while the other racks are born. */
  readonly rollout?: { readonly racks: number };
  /** For virtual machines: the processors that they share, and how many each work keeps busy in one machine. */
  readonly host?: { readonly processors: number; readonly demands: { readonly [Name in ParameterName]?: number } };
};

/** A switch or port name of a rack and unit. */
export function nameIn(template: string, of: { readonly rack: number; readonly unit: number }): string {
  return template.replace(/\{(rack|unit)\}/g, (_, name: "rack" | "unit") => String(of[name]));
}
