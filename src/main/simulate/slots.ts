import { failure } from "../../cli/api/failure.ts";
import type { Config } from "../../contract/config/schema.ts";
import type { SlotArea } from "../../core/site/site-plan.ts";
import { fillTemplate } from "../../core/site/template.ts";
import type { SlotOf } from "../../fleet/scenario.ts";
import { defaultNames } from "./config.ts";
import type { SimulateOptions } from "./options.ts";

/** The simulated part of a site. */
export type SimulatedSlots = {
  readonly racks: number;
  /** Machines of each rack. */
  readonly machines: number;
  /** The same slots as the plan of a site has them, a rack each. */
  readonly areas: readonly SlotArea[];
};

const defaults = { racks: 100, machines: 40 } as const;

/**
 * The slots that are simulated: those of `site` in the configuration, or racks and units that count from 1. Throws an error
 * with the next step if the options do not fit the plan of the site.
 */
export function simulatedSlots(
  { racks, machines, switch: switchName, port }: Pick<SimulateOptions, "racks" | "machines" | "switch" | "port">,
  site: Config["site"],
): SimulatedSlots {
  if (site !== undefined && switchName === undefined && port === undefined) return plannedSlots(site, racks, machines);
  const names = { switch: switchName ?? defaultNames.switch, port: port ?? defaultNames.port };
  const units = countTo(machines ?? defaults.machines);
  const areas = countTo(racks ?? defaults.racks).map((rack) => ({ racks: [rack], units, ...names }));
  return { racks: areas.length, machines: units.length, areas };
}

function plannedSlots(site: readonly SlotArea[], racks?: number, machines?: number): SimulatedSlots {
  const planned = site.flatMap(({ racks: numbers, ...area }) => numbers.map((rack) => ({ racks: [rack], ...area })));
  const chosen = planned.slice(0, racks);
  if (racks !== undefined && racks > planned.length)
    throw failure(
      "misused",
      `--racks: expected at most ${planned.length}, the racks of the configuration's site, found ${racks}`,
      "leave out --racks to simulate all of them, or name slots beyond the plan by --switch and --port",
    );
  const sizes = chosen.map(({ units }) => units.length);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (machines === undefined && least < most)
    throw failure(
      "misused",
      `site: expected racks with equally many units, found ${least} and ${most}`,
      `simulate as many units of each: --machines ${least}`,
    );
  if (machines !== undefined && machines > least)
    throw failure(
      "misused",
      `--machines: expected at most ${least}, the units of the smallest rack of the configuration's site, found ${machines}`,
      `simulate fewer: --machines ${least}`,
    );
  const areas = chosen.map(({ units, ...area }) => ({ ...area, units: units.slice(0, machines) }));
  return { racks: areas.length, machines: machines ?? least, areas };
}

/** The names of each slot, by the numbers of its rack and unit in the simulation. */
export function slotOfAreas(areas: readonly SlotArea[]): SlotOf {
  return ({ rack, unit }) => {
    const area = areas[rack - 1];
    if (area === undefined) throw new RangeError(`rack ${rack}: expected one of ${areas.length}`);
    const position = { rack: String(area.racks[0]), unit: String(area.units[unit - 1]) };
    return { switchName: fillTemplate(area.switch, position), port: fillTemplate(area.port, position) };
  };
}

function countTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, n) => n + 1);
}
