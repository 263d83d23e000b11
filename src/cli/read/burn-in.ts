import type { Command } from "commander";
import { figureNumber, figureTitle } from "../../core/burn-in/figure-text.ts";
import { formatCount } from "../../core/bytes/counted.ts";
import type { FigureSummary } from "../../core/fleet/burn-in-figures.ts";
import type { Siblings } from "../../core/fleet/siblings.ts";
import { outlierScore } from "../../core/fleet/spread.ts";
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
    if (name !== undefined) {
      const siblings = await api.ask<Siblings>("siblings", { name });
      if (options.output === "json") printJson(siblings.figures);
      else if (siblings.figures.length === 0) process.stderr.write("it has not reported figures of a burn-in yet\n");
      else print(...machineTable(siblings));
      return;
    }
    const query = { labels: options.labels, where: options.where };
    const { figures } = await api.ask<{ figures: FigureSummary[] }>("burnIn", { query });
    if (options.output === "json") printJson(figures);
    else if (figures.length === 0) process.stderr.write("no machine has reported a burn-in yet\n");
    else print(...figuresTable(figures));
  });
}

/** The figures of many machines, a line for each model and test. */
export function figuresTable(figures: readonly FigureSummary[]): string[] {
  const rows = figures.map(({ model, test, part, figure, machines, median, least, most, outliers }) => [
    model || "-",
    test,
    part || "-",
    figureTitle(figure),
    formatCount(machines),
    figureNumber(median),
    `${figureNumber(least)} to ${figureNumber(most)}`,
    outliersText(outliers),
  ]);
  return formatTable(["MODEL", "TEST", "DISK", "FIGURE", "MACHINES", "MEDIAN", "RANGE", "FAR FROM THE OTHERS"], rows);
}

/** Outliers in a cell; JSON has all that the server names. */
const namesShown = 20;

function outliersText(outliers: FigureSummary["outliers"]): string {
  const names = outliers
    .slice(0, namesShown)
    .map(({ name, value, score }) => `${name} ${figureNumber(value)} (${signed(score)})`);
  const more = outliers.length - names.length;
  return [...names, ...(more > 0 ? [`${formatCount(more)} more`] : [])].join(", ") || "-";
}

function machineTable({ figures }: Siblings): string[] {
  const rows = figures.map(({ test, subject, figure, value, siblings, score }) => [
    test,
    figureTitle(figure),
    figureNumber(value),
    figureNumber(siblings.median),
    `${figureNumber(siblings.least)} to ${figureNumber(siblings.most)}`,
    formatCount(siblings.machines),
    Math.abs(score) < outlierScore ? subject : `${subject}: FAR FROM THE OTHERS (${signed(score)})`,
  ]);
  return formatTable(["TEST", "FIGURE", "VALUE", "MEDIAN", "RANGE", "MACHINES", "OF"], rows);
}

function signed(score: number): string {
  return score > 0 ? `+${score}` : String(score);
}
