import type { ChangeView } from "../../contract/operator/views.ts";
import { formatBytes, formatDuration, formatTimeZone } from "./figures.ts";
import { inCsv, inTables, inWide, type Listing, textColumn, timeColumn } from "./listing.ts";

/** Facts that are too long for a line; `-o json` prints them. */
const longFacts: ReadonlySet<string> = new Set([
  "kind",
  "id",
  "mac",
  "hardware",
  "report",
  "storage",
  "placement",
  "expiresAtMs",
]);

/** The columns of a list of changes. */
export const eventListing: Listing<ChangeView> = {
  columns: [
    timeColumn("time", ({ atMs }) => atMs),
    textColumn("machine", ({ machine }) => machine.hostname ?? machine.id),
    textColumn("id", ({ machine }) => machine.id, inWide),
    textColumn("event", ({ event }) => event.kind),
    {
      name: "state and phase",
      of: ({ machine }) => (machine.phase === undefined ? machine.state : `${machine.state} ${machine.phase}`),
      in: inTables,
    },
    textColumn("state", ({ machine }) => machine.state, inCsv),
    textColumn("phase", ({ machine }) => machine.phase, inCsv),
    {
      name: "facts",
      of: ({ event }) => factsOf(event),
      value: ({ event: { kind: _kind, id: _id, ...facts } }) => JSON.stringify(facts),
    },
  ],
};

/** What an event says, in words. */
function factsOf(event: ChangeView["event"]): string {
  const facts = Object.entries(event)
    .filter(([name, value]) => !longFacts.has(name) && value !== undefined)
    .map(factText);
  return [...facts, ...detailOf(event)].join(", ");
}

/** One change as table cells: time, machine, event, resulting state and phase, facts. */
export function eventCells(change: ChangeView, nowMs = Date.now()): string[] {
  return shownInTable.map(({ of }) => of(change, nowMs) ?? "");
}

/** The titles of the cells from `eventCells`. */
export const eventTitles = (nowMs = Date.now()) =>
  shownInTable.map(({ name, title }) => title?.(nowMs) ?? name.toUpperCase());

const shownInTable = eventListing.columns.filter(({ in: formats }) => formats?.includes("table") ?? true);

/** A fact in words; of a structure the facts in it, such as `order generation 1 action birth`. */
function factText([name, value]: readonly [name: string, value: unknown]): string {
  return `${wordOf(name)} ${memberText(name, value)}`;
}

/** The value of a member in words: times and sizes by the units that its name ends with. */
export function memberText(name: string, value: unknown): string {
  if (typeof value === "number" && name.endsWith("Ms")) return msText(value);
  return typeof value === "number" && name.endsWith("Bytes") ? formatBytes(value) : factValue(value);
}

/** `since` of `sinceMs`, `seen at` of `seenAtMs`, `size` of `sizeBytes`. */
export function wordOf(name: string): string {
  return name.replace(/(?<=.)(Ms|Bytes)$/, "").replace(/At$/, " at");
}

/** No duration is as long: from here on, milliseconds are those since 1970 (they are of 1973). */
const longestMs = 1e11;

function msText(ms: number): string {
  return ms < longestMs ? formatDuration(ms) : formatTimeZone(ms);
}

/** A value in words; of a structure the facts in it. */
export function factValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(factValue).join(" ");
  return typeof value === "object" && value !== null ? Object.entries(value).map(factText).join(" ") : String(value);
}

function detailOf(event: ChangeView["event"]): string[] {
  if (event.kind === "burnInDone") return [`verdict ${membersOf(event.report).get("verdict")}`];
  if (event.kind !== "placed") return [];
  const placement = membersOf(event.placement);
  const [hostname, address, switchName, port] = ["hostname", "address", "switchName", "port"].map((name) =>
    placement.get(name),
  );
  return [`${hostname} ${address} at ${switchName} ${port}`];
}

/** The members of a structure from the server; none if it is something else. */
function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}
