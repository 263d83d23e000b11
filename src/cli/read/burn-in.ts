import type { Command } from "commander";
import type { MachineView } from "../../contract/operator/views.ts";
import type { FigureSummary } from "../../core/fleet/burn-in-figures.ts";
import { type SelectionOptions, selectionOptions } from "../act/selection.ts";
import { failure } from "../api/failure.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatTable } from "../output/table.ts";

/** Adds `burnin`: burn-in figures against those of siblings. */
export function burnInCommand(program: Command): void {
  const command = program
    .command("burnin [name]")
    .description(
      "compare burn-in figures with those of machines of the same model: of one machine, or of all or selected",
    );
  selectionOptions(command);
  serverOptions(command).action(async (name: string | undefined, options: ServerOptions & SelectionOptions) => {
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    if (name !== undefined && (options.labels !== undefined || options.where !== undefined))
      throw failure("misused", "expected a name or a selection, found both");
    const machine = name === undefined ? undefined : await api.ask<MachineView>("get", { name });
    const query = { labels: options.labels, where: options.where };
    const { figures } = await api.ask<{ figures: FigureSummary[] }>("burnIn", { query });
    const shown =
      machine === undefined ? figures : figures.filter(({ model }) => model === (machine.smbios?.product ?? ""));
    if (options.output === "json") return printJson(machine === undefined ? shown : comparisons(machine, shown));
    if (machine !== undefined && machine.burnIn === undefined)
      process.stderr.write("it has not reported a burn-in yet\n");
    else if (shown.length === 0) process.stderr.write("no machine has reported a burn-in yet\n");
    else print(...(machine === undefined ? figuresTable(shown) : machineTable(machine, shown)));
  });
}

/** The figures of many machines, a line for each model and test. */
export function figuresTable(figures: readonly FigureSummary[]): string[] {
  const rows = figures.map(({ model, test, figure, machines, median, least, most, outliers }) => [
    model || "-",
    test,
    figure,
    String(machines),
    numberText(median),
    `${numberText(least)} to ${numberText(most)}`,
    outliers.map(({ name, value, score }) => `${name} ${numberText(value)} (${signed(score)})`).join(", ") || "-",
  ]);
  return formatTable(["MODEL", "TEST", "FIGURE", "MACHINES", "MEDIAN", "RANGE", "FAR FROM THE OTHERS"], rows);
}

type Comparison = { readonly test: string; readonly subject: string; readonly figure: string; readonly value: number };

/** Each figure of a machine beside those of its siblings. */
function comparisons({ burnIn }: MachineView, figures: readonly FigureSummary[]) {
  return (burnIn?.results ?? []).flatMap(({ test, subject, figures: measured }) =>
    Object.entries(measured).map(([figure, value]): Comparison & { readonly siblings?: FigureSummary } => {
      const siblings = figures.find((one) => one.test === test && one.figure === figure);
      return { test, subject, figure, value, ...(siblings === undefined ? {} : { siblings }) };
    }),
  );
}

function machineTable(machine: MachineView, figures: readonly FigureSummary[]): string[] {
  const rows = comparisons(machine, figures).map(({ test, subject, figure, value, siblings }) => {
    const outlier = siblings?.outliers.find(
      (one) => one.name === (machine.hostname ?? machine.id) && one.subject === subject,
    );
    return [
      test,
      figure,
      numberText(value),
      siblings === undefined ? "-" : numberText(siblings.median),
      siblings === undefined ? "-" : `${numberText(siblings.least)} to ${numberText(siblings.most)}`,
      siblings === undefined ? "-" : String(siblings.machines),
      outlier === undefined ? subject : `${subject}: FAR FROM THE OTHERS (${signed(outlier.score)})`,
    ];
  });
  return formatTable(["TEST", "FIGURE", "VALUE", "MEDIAN", "RANGE", "MACHINES", "OF"], rows);
}

function numberText(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(2);
}

function signed(score: number): string {
  return score > 0 ? `+${score}` : String(score);
}
