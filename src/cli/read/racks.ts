import type { Command } from "commander";
import type { CauseView, SummaryView } from "../../contract/operator/fleet-views.ts";
import { formatCount } from "../../core/bytes/counted.ts";
import type { MachineStatus } from "../../core/fleet/machine-status.ts";
import type { RackSummary } from "../../core/fleet/racks.ts";
import { phases } from "../../core/machine/phase.ts";
import type { ServerOptions } from "../api/server-options.ts";
import { formatDuration } from "../output/figures.ts";
import {
  countColumn,
  inCsv,
  inTable,
  inTables,
  inWide,
  type Listing,
  listOptions,
  printList,
  textColumn,
  timeColumn,
} from "../output/listing.ts";
import { chosenRows, type RowOptions, rowOptions } from "../output/row-options.ts";
import { causesText, rackName, unplacedText } from "../output/summary-text.ts";
import { warn } from "../output/warn.ts";
import { outputWidth } from "../output/wrap.ts";
import { completeSummary, type SentSummary } from "./older-server.ts";

/** Adds `racks`: one line for each rack. */
export function racksCommand(program: Command): void {
  const command = program.command("racks").description("list the racks: machines up, failing and on the way, by phase");
  rowOptions(command, rackListing, "racks");
  listOptions(command, rackListing).action(async (options: ServerOptions & RowOptions) => {
    const { racks: all, unplaced } = await readSummary(options);
    const racks = chosenRows(rackListing, all, options);
    const none = unplaced === 0 ? "no machine is known yet" : "no machine has a place yet";
    await printList(rackListing, { rows: racks, data: { racks, unplaced }, none }, options);
    if (unplaced > 0) warn(unplacedText(unplaced));
  });
}

/** Adds `failures`: all causes. */
export function failuresCommand(program: Command): void {
  const command = program
    .command("failures")
    .description("list what is wrong by cause and place, and what to do; exit status 4 if there is anything");
  rowOptions(command, causeListing, "causes");
  listOptions(command, causeListing).action(async (options: ServerOptions & RowOptions) => {
    const { causes: all, nowMs } = await readSummary(options);
    const causes = chosenRows(causeListing, all, options);
    const text = () => causesText(causes, { width: outputWidth(), limit: causes.length, nowMs }).slice(1);
    await printList(causeListing, { rows: causes, text, none: "no machine fails" }, options);
    const { exitStatus } = await import("../api/failure.ts");
    if (all.length > 0) process.exitCode = exitStatus.unhealthy;
  });
}

async function readSummary(options: ServerOptions): Promise<SummaryView> {
  const { openApi } = await import("../api/api.ts");
  return completeSummary(await (await openApi(options)).ask<SentSummary>("summary")).summary;
}

/** How many machines of a rack stand so. */
function statusColumn(status: MachineStatus, isUsual: boolean) {
  const column = countColumn<RackSummary>(status, ({ statuses }) => statuses[status] ?? 0);
  // Nothing instead of a zero: what matters in a wide table is what a rack has.
  return isUsual ? column : { ...column, of: (rack: RackSummary) => rack.statuses[status]?.toString(), in: inWide };
}

/** The columns of `racks`. */
export const rackListing: Listing<RackSummary> = {
  named: "rack",
  columns: [
    { name: "place", title: () => "RACK", of: rackName, in: inTables },
    textColumn("rack", ({ rack }) => rack, inCsv),
    textColumn("kind", ({ isSwitch }) => (isSwitch === true ? "switch" : "rack"), inCsv),
    {
      name: "machines",
      of: ({ machines, expected }) =>
        expected === undefined ? formatCount(machines) : `${formatCount(machines)} of ${formatCount(expected)}`,
      value: ({ machines }) => machines,
    },
    countColumn("expected", ({ expected }) => expected, inCsv),
    countColumn("unheard", ({ unheard }) => unheard, inWide),
    statusColumn("up", true),
    statusColumn("failing", true),
    ...(["arriving", "pending", "held", "unknown", "retired"] as const).map((status) => statusColumn(status, false)),
    {
      name: "progress",
      of: ({ progress }) => `${Math.round(progress * 100)} %`,
      value: ({ progress }) => Number(progress.toFixed(3)),
    },
    { name: "lags", of: ({ lags }) => (lags ? "LAGS" : undefined), value: ({ lags }) => lags ?? false, in: inWide },
    textColumn("phases", phasesOf, inWide),
    textColumn("slowest", ({ slowest }) => slowest?.name, inWide),
    textColumn("slowestPhase", ({ slowest }) => slowest?.phase, inCsv),
    countColumn("slowestMs", ({ slowest }) => slowest?.ageMs, inCsv),
    textColumn("others", othersOf, inTable),
  ],
};

function phasesOf({ phases: counts }: RackSummary): string {
  return phases.flatMap((phase) => (counts[phase] === undefined ? [] : [`${counts[phase]} ${phase}`])).join(", ");
}

/** What is worth saying of a rack beside its counts. */
function othersOf(rack: RackSummary): string {
  const { statuses, slowest, unheard, lags } = rack;
  return [
    ...(lags === true ? ["LAGS"] : []),
    ...(unheard === undefined || unheard === 0 ? [] : [`${unheard} never heard from`]),
    ...(["pending", "held", "unknown", "retired"] as const).flatMap((one) =>
      statuses[one] === undefined ? [] : [`${statuses[one]} ${one}`],
    ),
    ...(phasesOf(rack) === "" ? [] : [phasesOf(rack)]),
    ...(slowest === undefined
      ? []
      : [`slowest ${slowest.name}: ${slowest.phase} for ${formatDuration(slowest.ageMs)}`]),
  ].join(", ");
}

/** The columns of `failures`; people read the causes as text unless they ask for columns. */
export const causeListing: Listing<CauseView> = {
  columns: [
    textColumn("condition", ({ condition }) => condition),
    countColumn("machines", ({ machines }) => machines),
    timeColumn("first", ({ firstAtMs }) => firstAtMs),
    timeColumn("latest", ({ latestAtMs }) => latestAtMs),
    textColumn("names", ({ first }) => first.join(" ")),
    {
      name: "places",
      of: ({ locations }) => locations.map(({ place, machines }) => `${formatCount(machines)} in ${place}`).join(", "),
    },
    textColumn("reason", ({ reason }) => reason),
    textColumn("next", ({ next }) => next),
  ],
};
