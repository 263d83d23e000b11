import { Option } from "commander";
import type { MachineView } from "../../contract/operator/views.ts";
import { compareNatural } from "../../core/fleet/racks.ts";
import { describeProgress } from "../../core/machine/work-progress.ts";
import { failure } from "../api/failure.ts";
import { factValue } from "./event-text.ts";
import { formatDuration, formatTimeZone } from "./figures.ts";
import { countColumn, inCsv, inWide, isoTime, type Column as ListColumn, type Listing, textColumn } from "./listing.ts";
import { sortRows } from "./row-options.ts";

/** A column of a list of machines: its text, and what it is sorted by if that is not the text. */
type Column = {
  readonly of: (machine: MachineView, nowMs: number) => string | undefined;
  readonly sortBy?: (machine: MachineView) => number;
  /** What a program gets, where people read something else. */
  readonly value?: (machine: MachineView) => string | number | undefined;
};

/** The columns by the names that selectors have for the same facts. */
const columns: { readonly [name: string]: Column } = {
  name: { of: ({ hostname, id }) => hostname ?? id },
  id: { of: ({ id }) => id },
  state: { of: ({ state }) => state },
  phase: { of: ({ phase }) => phase },
  since: {
    of: ({ phaseAtMs }, nowMs) =>
      phaseAtMs === undefined ? undefined : formatDuration(Math.max(0, nowMs - phaseAtMs)),
    // The longest first: what is sorted by this is looked for.
    sortBy: ({ phaseAtMs = 0 }) => phaseAtMs,
    value: ({ phaseAtMs }) => isoTime(phaseAtMs),
  },
  progress: {
    of: ({ progress }) => (progress === undefined ? undefined : describeProgress(progress)),
    sortBy: (machine) => partDone(machine) ?? 0,
    value: partDone,
  },
  address: { of: ({ permanentAddress, temporaryAddress }) => permanentAddress ?? temporaryAddress },
  image: { of: ({ runningImage, requiredImage }) => runningImage ?? requiredImage },
  rack: { of: ({ location }) => location?.rack },
  unit: { of: ({ location }) => location?.unit },
  switch: { of: ({ location }) => location?.switch },
  port: { of: ({ location }) => location?.port },
  network: { of: ({ network }) => network },
  firmware: { of: ({ firmware }) => firmware },
  product: { of: ({ smbios }) => smbios?.product },
  serial: { of: ({ smbios }) => smbios?.serial },
  agent: { of: ({ agent }) => agent?.version },
  work: { of: ({ progress }) => progress?.what },
  generation: { of: ({ generation }) => String(generation) },
  mac: { of: ({ macs }) => macs.join(" ") },
  group: { of: ({ groups = [] }) => groups.join(" ") },
  condition: { of: ({ conditions }) => conditions.map(({ kind }) => kind).join(" ") },
  conditions: { of: ({ conditions }) => conditions.map(({ kind, reason }) => `${kind}: ${reason}`).join("; ") },
};

/** The columns of the usual table, and of `-o wide` and `-o csv`. */
const usualColumns: readonly string[] = ["name", "state", "phase", "since", "address", "image", "conditions"];
const wideColumns = [
  ...(["name", "id", "rack", "unit", "state", "phase", "since", "progress", "address", "image"] as const),
  ...(["network", "firmware", "product", "serial", "agent", "group", "mac", "conditions", "work"] as const),
] as const;

/** How much of its work a machine has done, from 0 to 1. */
function partDone({ progress }: MachineView): number | undefined {
  return progress === undefined ? undefined : Number((progress.done / progress.total).toFixed(3));
}

/** The columns of a list of machines. */
export const machineListing: Listing<MachineView> = {
  named: "name",
  columns: wideColumns.map((name) => {
    const column = columnNamed(name, "column");
    // The words of `progress` say what the work is.
    const formats = name === "work" ? inCsv : usualColumns.includes(name) ? undefined : inWide;
    return { name, ...column, ...(formats && { in: formats }) };
  }),
};

/** The columns of `--fields`: the id and these keys of the records. */
export function fieldListing(fields: readonly string[]): Listing<MachineView> {
  return { named: "id", columns: [...new Set(["id", ...fields])].map(fieldColumn) };
}

/** A key of the records in words: a time as a time, and a structure as the facts in it. */
function fieldColumn(key: string): ListColumn<MachineView> {
  const words = key.replace(/([A-Z])/g, " $1").toUpperCase();
  const memberOf = (machine: MachineView) => machine[key as keyof MachineView];
  const isTime = key.endsWith("AtMs");
  return {
    name: key,
    title: () => (isTime ? words.replace(/ AT MS$/, "") : words),
    of: (machine, nowMs) => {
      const value = memberOf(machine);
      if (value === undefined) return undefined;
      return isTime ? formatTimeZone(Number(value), nowMs) : factValue(value);
    },
    value: (machine) => {
      const value = memberOf(machine);
      if (isTime) return isoTime(value === undefined ? undefined : Number(value));
      return typeof value === "number" || typeof value === "boolean" ? value : value && programText(value);
    },
  };
}

/** A text as it is, a list of texts with spaces between them, and a structure as JSON. */
function programText(value: object | string): string {
  if (typeof value === "string") return value;
  const isTexts = Array.isArray(value) && value.every((one) => typeof one === "string");
  return isTexts ? value.join(" ") : JSON.stringify(value);
}

/** The columns of `--group-by`. */
export function groupListing(by: string): Listing<readonly [value: string, count: number]> {
  return { named: by, columns: [countColumn("machines", ([, count]) => count), textColumn(by, ([value]) => value)] };
}

/** An option that names a column, perhaps after a minus; shells complete the names, and another one is a misuse that lists them. */
export function columnOption(name: "--sort" | "--group-by", description: string): Option {
  const option = new Option(`${name} <column>`, description).argParser((column) => {
    columnNamed(name === "--sort" ? column.replace(/^-/, "") : column, name);
    return column;
  });
  option.argChoices = Object.keys(columns);
  return option;
}

/** The text of a column for a machine; `-` if it has none. */
function columnText(machine: MachineView, name: string, nowMs: number): string {
  return columnNamed(name, "column").of(machine, nowMs) || "-";
}

/** The machines by a column, in their natural order; `-phase` reverses it. Those without a value come last in both. */
export function sortMachines(machines: readonly MachineView[], by: string): MachineView[] {
  const { of, sortBy } = columnNamed(by.replace(/^-/, ""), "--sort");
  const keyOf = (machine: MachineView) => {
    const text = of(machine, 0);
    return text === undefined || text === "" ? undefined : (sortBy?.(machine) ?? text);
  };
  return sortRows(machines, keyOf, by.startsWith("-"));
}

/** How many machines have each value of a column, those of most machines first. */
export function groupMachines(
  machines: readonly MachineView[],
  by: string,
): (readonly [value: string, count: number])[] {
  columnNamed(by, "--group-by");
  const counts = new Map<string, number>();
  for (const machine of machines) {
    const value = columnText(machine, by, 0);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort(([a, most], [b, more]) => more - most || compareNatural(a, b));
}

function columnNamed(name: string, option: string): Column {
  const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
  if (column !== undefined) return column;
  throw failure("misused", `${option}: expected one of ${Object.keys(columns).join(", ")}, found ${name}`);
}
