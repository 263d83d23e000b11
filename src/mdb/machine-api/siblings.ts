import { modelOf } from "../../core/fleet/birth-times.ts";
import { suspectsOf } from "../../core/fleet/suspects.ts";
import type { BurnInReport } from "../../core/hardware/hardware.ts";
import type { Machine, Suspect } from "../../core/machine/record.ts";
import type { Models } from "../models.ts";

/** Compares a machine's burn-in with those of its siblings, as they were within the last seconds. */
export type FindSuspects = (machine: Machine, burnIn: BurnInReport) => Promise<readonly Suspect[]>;

/** Opens the comparison with the machines of the same model. */
export function openSiblings(spreadsOf: Models): FindSuspects {
  return async (machine, burnIn) => {
    if (burnIn.results.length === 0) return [];
    const { hardware } = machine;
    return suspectsOf({ burnIn, ...(hardware === undefined ? {} : { hardware }) }, await spreadsOf(modelOf(machine)));
  };
}
