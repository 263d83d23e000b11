import { counted } from "../../core/bytes/counted.ts";
import type { PhaseAmongSiblings, Siblings } from "../../core/fleet/siblings.ts";
import { outlierScore } from "../../core/fleet/spread.ts";
import { formatDuration, formatTime, zoneAt } from "../output/figures.ts";
import { formatTable } from "../output/table.ts";
import { outputWidth } from "../output/wrap.ts";

const indent = 4;

/** The phases of a machine's generation with the time in each, beside that of the machines of its model. */
export function timelineText(
  { phases, model, machines }: Siblings,
  { nowMs = Date.now(), width = outputWidth() } = {},
): string[] {
  const [first] = phases;
  if (first === undefined) return [];
  const beside = machines < 2 ? "" : `, beside ${counted(machines, "machine")} of model ${model || "unknown"}`;
  const rows = phases.map((stay) => [
    stay.phase,
    formatTime(stay.atMs, nowMs),
    stayText(stay),
    siblingsText(stay),
    stay.detail ?? "",
  ]);
  const titles = ["PHASE", "BEGAN", "TOOK", "SIBLINGS: MEDIAN (RANGE)", "DETAIL"];
  const table = formatTable(titles, rows, width - indent);
  return [`  timeline (${zoneAt(nowMs)})${beside}`, ...table.map((line) => " ".repeat(indent) + line)];
}

function stayText({ phase, durationMs, isOpen, score = 0 }: PhaseAmongSiblings): string {
  const duration = exactDuration(durationMs);
  if (phase === "up") return isOpen ? `for ${duration}` : `was for ${duration}`;
  return `${duration}${isOpen ? " so far" : ""}${score >= outlierScore ? ", SLOW" : ""}`;
}

function siblingsText({ siblings }: PhaseAmongSiblings): string {
  if (siblings === undefined || siblings.machines < 2) return "-";
  const { median, least, most } = siblings;
  return `${exactDuration(median)} (${exactDuration(least)} to ${exactDuration(most)})`;
}

/** As `formatDuration`, with the seconds of minutes: durations beside each other should not all be 3 min. */
function exactDuration(ms: number): string {
  if (ms < 120_000 || ms >= 7_200_000) return formatDuration(ms);
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} min`;
}
