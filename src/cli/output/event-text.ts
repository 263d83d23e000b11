import type { ChangeView } from "../../contract/operator/views.ts";
import { formatDuration, formatTime, formatTimeZone, timeTitle } from "./figures.ts";

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

/** One change as table cells: time, machine, event, resulting state and phase, facts. */
export function eventCells({ atMs, event, machine }: ChangeView): string[] {
  const facts = Object.entries(event)
    .filter(([name, value]) => !longFacts.has(name) && value !== undefined)
    .map(factText);
  const extra = detailOf(event);
  return [
    formatTime(atMs),
    machine.hostname ?? machine.id,
    event.kind,
    machine.phase === undefined ? machine.state : `${machine.state} ${machine.phase}`,
    [...facts, ...extra].join(", "),
  ];
}

/** The titles of the cells from `eventCells`. */
export const eventTitles = () => [timeTitle(), "MACHINE", "EVENT", "STATE AND PHASE", "FACTS"];

/** A fact in words; of a structure the facts in it, such as `order generation 1 action birth`. */
function factText([name, value]: readonly [name: string, value: unknown]): string {
  if (typeof value === "number" && name.endsWith("AtMs")) return `${name.slice(0, -4)} at ${formatTimeZone(value)}`;
  if (typeof value === "number" && name.endsWith("Ms")) return `${name.slice(0, -2)} ${formatDuration(value)}`;
  if (Array.isArray(value)) return `${name} ${value.map(valueText).join(" ")}`;
  return `${name} ${valueText(value)}`;
}

function valueText(value: unknown): string {
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
