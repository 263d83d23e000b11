import type { FleetView } from "../../contract/operator/fleet-views.ts";
import type { FleetRow } from "../../core/fleet/columns.ts";
import { conditionKinds } from "../../core/machine/condition.ts";
import { compareNatural } from "../text/natural-order.ts";

/** A machine in lists and pictures. */
export type Row = FleetRow;

/** A kind of condition. */
export type ConditionKind = (typeof conditionKinds)[number];

const byUrgency: readonly ConditionKind[] = [
  "failing",
  "conflict",
  "debug",
  "hold",
  "maintenance",
  "waiting",
  "retired",
];

/** The kinds of a machine's conditions, the one that an operator should know of first at the front. */
export function conditionsOf({ conditions }: Pick<Row, "conditions">): readonly ConditionKind[] {
  return conditions === 0 ? none : byUrgency.filter((kind) => (conditions & (1 << conditionKinds.indexOf(kind))) !== 0);
}

const none: readonly ConditionKind[] = [];

/** The rows of a fleet that came as columns. */
export function rowsOf(fleet: FleetView): Row[] {
  const { racks, networks, images, models, statuses, phases } = fleet;
  const some = <T>(key: string, value: T | undefined) => (value === undefined || value === "" ? {} : { [key]: value });
  const progress = new Map(fleet.progress.map(({ at, ...rest }) => [at, rest]));
  return fleet.id.map((id, at) => {
    const of = (list: readonly string[], column: readonly number[]) => list[column[at] ?? -1];
    const phaseAtMs = fleet.phaseAtMs[at] ?? 0;
    return {
      ...{ id, name: fleet.name[at] ?? id, conditions: fleet.conditions[at] ?? 0 },
      ...{ status: of(statuses, fleet.status) ?? "unknown" },
      ...some("rack", of(racks, fleet.rack)),
      ...some("unit", fleet.unit[at]),
      ...some("network", of(networks, fleet.network)),
      ...some("phase", of(phases, fleet.phase)),
      ...(phaseAtMs > 0 ? { phaseAtMs } : {}),
      ...some("image", of(images, fleet.image)),
      ...some("model", of(models, fleet.model)),
      ...some("progress", progress.get(at)),
    } as Row;
  });
}

/** The columns that a list can be sorted by. */
export const sortKeys = {
  name: (row) => row.name,
  slot: (row) => (row.rack === undefined ? "~" : `${row.rack} ${row.unit ?? ""}`),
  status: (row) => row.status,
  phase: (row) => row.phase ?? "",
  since: (row) => row.phaseAtMs ?? 0,
  condition: (row) => conditionsOf(row)[0] ?? "~",
  image: (row) => row.image ?? "",
  model: (row) => row.model ?? "",
  network: (row) => row.network ?? "",
} as const satisfies { readonly [key: string]: (row: Row) => string | number };
export type SortKey = keyof typeof sortKeys;

/** Sorts rows by a key, with a minus for the other direction; machines that are equal by it come by name. */
export function sortRows(rows: readonly Row[], sort: string): Row[] {
  const isDown = sort.startsWith("-");
  const name = isDown ? sort.slice(1) : sort;
  const key: (row: Row) => string | number =
    sortKeys[Object.keys(sortKeys).includes(name) ? (name as SortKey) : "slot"];
  const keyed = rows.map((row) => ({ row, key: key(row) }));
  const sign = isDown ? -1 : 1;
  keyed.sort((a, b) => sign * compareKeys(a.key, b.key) || compareNatural(a.row.name, b.row.name));
  return keyed.map(({ row }) => row);
}

function compareKeys(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return compareNatural(String(a), String(b));
}
