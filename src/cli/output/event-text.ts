import type { ChangeView } from "../../contract/operator/views.ts";
import { formatTime } from "./figures.ts";

/** What of an event is too long for a line; `-o json` has it all. */
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

/** One change in one line: when, who, what happened, and what the machine is now. */
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

export const eventTitles = ["TIME", "MACHINE", "EVENT", "STATE AND PHASE", "FACTS"] as const;

function detailOf(event: ChangeView["event"]): string[] {
  if (event.kind === "burnInDone") return [`verdict ${(event.report as { result?: string }).result}`];
  if (event.kind !== "placed") return [];
  const { hostname, address, switchName, port } = event.placement as { [name: string]: string };
  return [`${hostname} ${address} at ${switchName} ${port}`];
}
