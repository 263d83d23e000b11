import { counted } from "../../core/bytes/counted.ts";
import { chart } from "./chart.ts";
import { formatBytes, formatShare, formatShort, formatTime } from "./format.ts";
import { headlines } from "./headline.ts";
import type { Percentiles } from "./measures.ts";
import { namesOf, type Summary } from "./summary.ts";

/** The report for a terminal of this width, as lines. */
export function reportText(summary: Summary, columns: number): readonly string[] {
  const { up, machines, birthsPerSecond, endMs } = summary;
  const others = machines - up - summary.notUp.reduce((sum, kind) => sum + kind.machines, 0);
  return [
    ...headlines(summary).flatMap((line) => wrap(line, columns)),
    "",
    `Machines that are up (of ${machines}), over ${formatTime(endMs)}`,
    ...chart(summary, columns),
    "",
    `${counted(up, "machine")} came up; between the first and the last one, ${birthsPerSecond} per second`,
    "",
    ...table(
      ["PHASE, from the one before", ...quantiles],
      summary.phases.map((row) => [row.phase, ...cells(row)]),
    ),
    "",
    ...table(
      ["REQUEST", ...quantiles],
      summary.requests.map((row) => [row.kind, ...cells(row)]),
    ),
    ...(summary.unansweredDhcp === 0 ? [] : [`DHCP attempts without an answer: ${summary.unansweredDhcp}`]),
    "",
    ...table(
      ["LINK", "BYTES", "FULL"],
      summary.links.map(({ name, sentBytes, busyShare }) => [name, formatBytes(sentBytes), formatShare(busyShare)]),
    ),
    ...summary.serverCpu.map(
      ({ server, cpuMs, share, imagesCpuMs }) =>
        `server ${server}: ${formatTime(cpuMs)} of processor time, ${formatShare(share)} of the time; images ${formatTime(imagesCpuMs)}`,
    ),
    ...section(
      "FAULTS",
      columns,
      summary.faults.map(({ text, machines: hit, up: came }) => `${hit} × ${text}: ${came} up`),
    ),
    ...section("NOT UP", columns, [
      ...summary.notUp.map((kind) => `${namesOf(kind)}${kind.fault === "" ? "" : ` (${kind.fault})`}: ${kind.why}`),
      ...(others > 0 ? [`${counted(others, "more machine")}, for other reasons`] : []),
    ]),
    ...section(
      "LOGGED BY THE SERVERS",
      columns,
      summary.logged.map(({ message, times }) => `${times} × ${message}`),
    ),
    ...summary.broken.flatMap(({ what, atMs, transcript }) => [
      "",
      `BROKEN at ${formatTime(atMs)}: ${what}`,
      ...transcript.map((line) => `  ${line}`),
    ]),
  ];
}

const quantiles = ["MEDIAN", "95 %", "99 %", "LONGEST"] as const;

function cells({ p50, p95, p99, most }: Percentiles): readonly string[] {
  return [p50, p95, p99, most].map(formatShort);
}

/** Lines of a section; what a line is too long for goes on below it, further in. */
function section(title: string, columns: number, lines: readonly string[]): readonly string[] {
  const broken = lines.flatMap((line) =>
    wrap(line, columns - 4).map((part, at) => `${at === 0 ? "  " : "    "}${part}`),
  );
  return lines.length === 0 ? [] : ["", title, ...broken];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

function wrap(line: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let at = "";
  for (const word of line.split(" ")) {
    if (at !== "" && at.length + 1 + word.length > columns) {
      lines.push(at);
      at = word;
    } else at = at === "" ? word : `${at} ${word}`;
  }
  return [...lines, at];
}
