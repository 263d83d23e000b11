import type { Command } from "commander";
import type { SummaryView } from "../../contract/operator/fleet-views.ts";
import type { RackSummary } from "../../core/fleet/racks.ts";
import { phases } from "../../core/machine/phase.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatDuration } from "../output/figures.ts";
import { causesText, rackName, unplacedText } from "../output/summary-text.ts";
import { formatTable } from "../output/table.ts";
import { outputWidth } from "../output/wrap.ts";
import { completeSummary, type SentSummary } from "./older-server.ts";

/** Adds `racks`: one line for each rack. */
export function racksCommand(program: Command): void {
  const command = program.command("racks").description("list the racks: machines up, failing and on the way, by phase");
  serverOptions(command).action(async (options: ServerOptions) => {
    const { racks, unplaced } = await readSummary(options);
    if (options.output === "json") return printJson({ racks, unplaced });
    if (racks.length > 0) print(...racksTable(racks, outputWidth()));
    if (unplaced > 0) process.stderr.write(`${unplacedText(unplaced)}\n`);
    if (racks.length === 0 && unplaced === 0) process.stderr.write("no machine is known yet\n");
  });
}

/** Adds `failures`: all causes. */
export function failuresCommand(program: Command): void {
  const command = program
    .command("failures")
    .description("list what is wrong by cause and place, and what to do; exit status 4 if there is anything");
  serverOptions(command).action(async (options: ServerOptions) => {
    const { causes, nowMs } = await readSummary(options);
    if (options.output === "json") printJson(causes);
    else if (causes.length === 0) process.stderr.write("no machine fails\n");
    else print(...causesText(causes, { width: outputWidth(), limit: causes.length, nowMs }).slice(1));
    const { exitStatus } = await import("../api/failure.ts");
    if (causes.length > 0) process.exitCode = exitStatus.unhealthy;
  });
}

async function readSummary(options: ServerOptions): Promise<SummaryView> {
  const { openApi } = await import("../api/api.ts");
  return completeSummary(await (await openApi(options)).ask<SentSummary>("summary")).summary;
}

/** The table of racks. */
export function racksTable(racks: readonly RackSummary[], width: number): string[] {
  const rows = racks.map((rack) => {
    const { machines, statuses: counts, progress, slowest, expected, unheard, lags } = rack;
    return [
      rackName(rack),
      expected === undefined ? String(machines) : `${machines} of ${expected}`,
      `${counts.up ?? 0}`,
      `${counts.failing ?? 0}`,
      `${Math.round(progress * 100)} %`,
      [
        ...(lags === true ? ["LAGS"] : []),
        ...(unheard === undefined || unheard === 0 ? [] : [`${unheard} never heard from`]),
        ...(["pending", "held", "unknown", "retired"] as const).flatMap((one) =>
          counts[one] === undefined ? [] : [`${counts[one]} ${one}`],
        ),
        ...phases.flatMap((phase) => (rack.phases[phase] === undefined ? [] : [`${rack.phases[phase]} ${phase}`])),
        ...(slowest === undefined
          ? []
          : [`slowest ${slowest.name}: ${slowest.phase} for ${formatDuration(slowest.ageMs)}`]),
      ].join(", ") || "-",
    ];
  });
  const titles = ["RACK", "MACHINES", "UP", "FAILING", "PROGRESS", "OTHERS"];
  return formatTable(titles, rows, width);
}
