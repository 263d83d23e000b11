import { conditionOf } from "../machine/life/move.ts";
import type { Machine } from "../machine/record.ts";
import { formatIpv4 } from "../net/ipv4.ts";
import { locationPath } from "./location-path.ts";

/**
 * A machine as the Dominator of Cloud-Foundations reads it (`lib/mdb/api.go`): the keys are its Go names; empty values
 * are left out.
 */
export type DominatorMachine = {
  readonly Hostname: string;
  readonly IpAddress?: string;
  readonly Location?: string;
  readonly RequiredImage?: string;
  readonly PlannedImage?: string;
  readonly DisableUpdates?: true;
  readonly OwnerGroups?: readonly string[];
  readonly Tags?: { readonly [name: string]: string };
};

/**
 * Tags that mdbd's json driver takes for fields (`cmd/mdbd/loadJson.go`); without this filter the same rows would have
 * another meaning there.
 */
const fieldTags: ReadonlySet<string> = new Set(["RequiredImage", "PlannedImage", "DisableUpdates", "OwnerGroup"]);

/**
 * The row of a machine; undefined if the Dominator must not connect to it. The Dominator connects to all rows at once,
 * and only a healthy machine has a sub that answers. The updates of a machine on hold are disabled, so that nothing is
 * installed on it.
 */
export function dominatorRow(machine: Machine): DominatorMachine | undefined {
  const { state, hostname, permanentAddress, requiredImage, plannedImage, disableUpdates, groups = [] } = machine;
  if (state !== "healthy" || hostname === undefined || conditionOf(machine, "retired") !== undefined) return undefined;
  const location = locationPath(machine);
  const still = disableUpdates === true || conditionOf(machine, "hold") !== undefined;
  const tags = Object.entries(machine.tags ?? {}).filter(([name]) => !fieldTags.has(name));
  return {
    Hostname: hostname,
    ...(permanentAddress === undefined ? {} : { IpAddress: formatIpv4(permanentAddress) }),
    ...(location === undefined ? {} : { Location: location }),
    ...(requiredImage === undefined ? {} : { RequiredImage: requiredImage }),
    ...(plannedImage === undefined ? {} : { PlannedImage: plannedImage }),
    ...(still ? { DisableUpdates: true } : {}),
    ...(groups.length === 0 ? {} : { OwnerGroups: groups }),
    Tags: { ...Object.fromEntries(tags), BirtherId: machine.id, BirtherState: state },
  };
}

/**
 * The whole file in parts: a JSON array with one row per line, in the given order. `rows` are rows of `dominatorRow` as
 * JSON text.
 */
export function* dominatorMdbText(rows: Iterable<string>): Generator<string, void, undefined> {
  let before = "[\n";
  for (const row of rows) {
    yield before + row;
    before = ",\n";
  }
  yield before === "[\n" ? "[]\n" : "\n]\n";
}
