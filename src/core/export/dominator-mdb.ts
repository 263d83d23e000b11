import { conditionOf } from "../machine/life-record.ts";
import type { Machine } from "../machine/record.ts";
import { locationPath } from "./location-path.ts";

/**
 * A machine as the Dominator of Cloud-Foundations reads it (`lib/mdb/api.go`): the keys are its Go names, and what is
 * empty is left out.
 */
export type DominatorMachine = {
  readonly Hostname: string;
  readonly IpAddress?: string;
  readonly Location?: string;
  readonly RequiredImage?: string;
  readonly DisableUpdates?: true;
  readonly Tags?: { readonly [name: string]: string };
};

/**
 * The row of a machine, or undefined for one that the Dominator must not dial: it dials every row at once, and only a
 * healthy machine has a sub that answers. A machine on hold is shown with its updates disabled: nothing is installed on it.
 */
export function dominatorRow(machine: Machine): DominatorMachine | undefined {
  const { state, hostname, permanentAddress, requiredImage } = machine;
  if (state !== "healthy" || hostname === undefined) return undefined;
  const location = locationPath(machine);
  return {
    Hostname: hostname,
    ...(permanentAddress === undefined ? {} : { IpAddress: permanentAddress }),
    ...(location === undefined ? {} : { Location: location }),
    ...(requiredImage === undefined ? {} : { RequiredImage: requiredImage }),
    ...(conditionOf(machine, "hold") === undefined ? {} : { DisableUpdates: true }),
    Tags: { BirtherId: machine.id, BirtherState: state },
  };
}

/** The whole file: a JSON array with a row a line, in the order given. `rows` are rows of `dominatorRow` as JSON text. */
export function dominatorMdbText(rows: readonly string[]): string {
  return rows.length === 0 ? "[]\n" : `[\n${rows.join(",\n")}\n]\n`;
}
