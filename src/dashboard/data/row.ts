import type { ChangeView, MachineView } from "../../contract/operator/views.ts";
import { compareNatural } from "../text/natural-order.ts";

/** The keys of a machine that lists and pictures of a fleet need. */
export const rowFields = [
  "id",
  "revision",
  "hostname",
  "macs",
  "state",
  "phase",
  "phaseAtMs",
  "conditions",
  "network",
  "location",
  "requiredImage",
  "runningImage",
  "permanentAddress",
  "temporaryAddress",
  "lastSeenAtMs",
  "createdAtMs",
] as const satisfies readonly (keyof MachineView)[];

/** A machine in lists and pictures. */
export type Row = Pick<MachineView, (typeof rowFields)[number]>;

/** The name to show and to call a machine by. */
export function rowName({ hostname, id }: Pick<Row, "hostname" | "id">): string {
  return hostname ?? id;
}

/** The condition of a machine that an operator should know of first; undefined if it has none. */
export function worstCondition({ conditions }: Pick<Row, "conditions">): Row["conditions"][number] | undefined {
  let [worst, rank] = [conditions[0], 99];
  for (const condition of conditions) {
    const own = conditionRank.indexOf(condition.kind);
    if (own < rank) [worst, rank] = [condition, own];
  }
  return worst;
}

const conditionRank: readonly string[] = ["failing", "conflict", "debug", "hold", "maintenance", "waiting", "retired"];

/** Since when a machine is in its phase. */
export function sinceOf({ phaseAtMs, createdAtMs }: Pick<Row, "phaseAtMs" | "createdAtMs">): number {
  return phaseAtMs ?? createdAtMs;
}

/** Events after which more of a row may differ than the part of the record that a change carries. */
const briefEvents: ReadonlySet<string> = new Set([
  ...["pxeAskedAgain", "phaseSeen", "orderIssued", "orderTaken", "burnInDone", "failed", "stalled", "resumed"],
  ...["conditionSet", "conditionCleared", "rebirthAsked", "cleanAsked", "rebirthCancelled", "recoveryAllowed"],
]);

/** A row after a change, and whether the rest of it has to be read again. */
export function rowAfter(
  row: Row,
  { machine, atMs, event }: ChangeView,
): { readonly row: Row; readonly isPart: boolean } {
  // One that was read meanwhile is newer than a change that the feed repeats.
  if (machine.revision <= row.revision) return { row, isPart: false };
  const { hostname: _name, phase: _phase, ...rest } = row;
  const entered = machine.phase !== row.phase && machine.phase !== undefined;
  return {
    row: { ...rest, ...machine, ...(entered ? { phaseAtMs: atMs } : {}) },
    isPart: !briefEvents.has(event.kind),
  };
}

/** The columns that a list can be sorted by. */
export const sortKeys = {
  name: (row) => rowName(row),
  slot: (row) =>
    row.location === undefined
      ? "~"
      : `${row.location.rack ?? row.location.switch} ${row.location.unit ?? row.location.port}`,
  state: (row) => row.state,
  phase: (row) => row.phase ?? "",
  since: (row) => sinceOf(row),
  condition: (row) => worstCondition(row)?.kind ?? "~",
  image: (row) => row.runningImage ?? row.requiredImage ?? "",
  network: (row) => row.network ?? "",
} as const satisfies { readonly [key: string]: (row: Row) => string | number };
export type SortKey = keyof typeof sortKeys;

/** Sorts rows by a key, with a minus for the other direction; machines that are equal by it come by name. */
export function sortRows(rows: readonly Row[], sort: string): Row[] {
  const isDown = sort.startsWith("-");
  const name = isDown ? sort.slice(1) : sort;
  const key: (row: Row) => string | number = sortKeys[Object.hasOwn(sortKeys, name) ? (name as SortKey) : "slot"];
  const keyed = rows.map((row) => ({ row, key: key(row), name: rowName(row) }));
  const sign = isDown ? -1 : 1;
  keyed.sort((a, b) => sign * compareKeys(a.key, b.key) || compareNatural(a.name, b.name));
  return keyed.map(({ row }) => row);
}

function compareKeys(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return compareNatural(String(a), String(b));
}
