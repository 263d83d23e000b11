import type { ChangeView } from "../../contract/operator/views.ts";
import { formatTime } from "./figures.ts";

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
    .map(([name, value]) => `${name} ${String(value)}`);
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
export const eventTitles = ["TIME", "MACHINE", "EVENT", "STATE AND PHASE", "FACTS"] as const;

function detailOf(event: ChangeView["event"]): string[] {
  if (event.kind === "burnInDone") return [`verdict ${(event.report as { verdict?: string }).verdict}`];
  if (event.kind !== "placed") return [];
  const { hostname, address, switchName, port } = event.placement as { [name: string]: string };
  return [`${hostname} ${address} at ${switchName} ${port}`];
}
