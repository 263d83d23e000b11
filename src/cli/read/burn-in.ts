import type { Command } from "commander";
import { figureNumber, figureTitle } from "../../core/burn-in/figure-text.ts";
import { formatCount } from "../../core/bytes/counted.ts";
import type { FigureSummary } from "../../core/fleet/burn-in-figures.ts";
import type { Siblings } from "../../core/fleet/siblings.ts";
import { outlierScore } from "../../core/fleet/spread.ts";
import { type SelectionOptions, selectionOptions } from "../act/selection.ts";
import { failure } from "../api/failure.ts";
import type { ServerOptions } from "../api/server-options.ts";
import {
  type Column,
  countColumn,
  inCsv,
  inTables,
  type Listing,
  listOptions,
  printList,
  textColumn,
} from "../output/listing.ts";
import { chosenRows, type RowOptions, rowOptions } from "../output/row-options.ts";

/** Adds `burnin`: burn-in figures against those of siblings. */
export function burnInCommand(program: Command): void {
  const command = program
    .command("burnin [name]")
    .description(
      "compare burn-in figures with those of machines of the same model: of one machine, or of all or selected",
    );
  selectionOptions(command);
  rowOptions(command, figureListing, "figures");
  listOptions(command, figureListing).action(
    async (name: string | undefined, options: ServerOptions & SelectionOptions & RowOptions) => {
      if (name !== undefined && (options.labels !== undefined || options.where !== undefined))
        throw failure("misused", "expected a name or a selection, found both");
      const { openApi } = await import("../api/api.ts");
      const api = await openApi(options);
      if (name !== undefined) {
        const { figures } = await api.ask<Siblings>("siblings", { name });
        const none = "it has not reported figures of a burn-in yet";
        return await printList(siblingListing, { rows: chosenRows(siblingListing, figures, options), none }, options);
      }
      const query = { labels: options.labels, where: options.where };
      const { figures } = await api.ask<{ figures: FigureSummary[] }>("burnIn", { query });
      const none = "no machine has reported a burn-in yet";
      await printList(figureListing, { rows: chosenRows(figureListing, figures, options), none }, options);
    },
  );
}

/** A column with a figure, rounded for people. */
function figureColumn<Row>(name: string, of: (row: Row) => number, formats?: Column<Row>["in"]): Column<Row> {
  return { name, of: (row) => figureNumber(of(row)), value: of, ...(formats && { in: formats }) };
}

/** The figures of many machines, a line for each model and test. */
export const figureListing: Listing<FigureSummary> = {
  columns: [
    textColumn("model", ({ model }) => model),
    textColumn("test", ({ test }) => test),
    textColumn("disk", ({ part }) => part),
    { name: "figure", of: ({ figure }) => figureTitle(figure), value: ({ figure }) => figure },
    countColumn("machines", ({ machines }) => machines),
    figureColumn("median", ({ median }) => median),
    rangeColumn(),
    figureColumn("least", ({ least }) => least, inCsv),
    figureColumn("most", ({ most }) => most, inCsv),
    {
      name: "outliers",
      title: () => "FAR FROM THE OTHERS",
      of: ({ outliers }) => outliersText(outliers),
      value: ({ outliers }) => outliers.map(({ name, value }) => `${name}=${value}`).join(" "),
    },
  ],
};

/** The figures of one machine. */
export const siblingListing: Listing<Siblings["figures"][number]> = {
  columns: [
    textColumn("test", ({ test }) => test),
    { name: "figure", of: ({ figure }) => figureTitle(figure), value: ({ figure }) => figure },
    figureColumn("value", ({ value }) => value),
    figureColumn("median", ({ siblings }) => siblings.median),
    { ...rangeColumn(), of: ({ siblings }) => rangeText(siblings) },
    figureColumn("least", ({ siblings }) => siblings.least, inCsv),
    figureColumn("most", ({ siblings }) => siblings.most, inCsv),
    countColumn("machines", ({ siblings }) => siblings.machines),
    {
      name: "of",
      of: ({ subject, score }) =>
        Math.abs(score) < outlierScore ? subject : `${subject}: FAR FROM THE OTHERS (${signed(score)})`,
      value: ({ subject }) => subject,
    },
    figureColumn("score", ({ score }) => score, inCsv),
  ],
};

function rangeColumn() {
  return { name: "range", of: rangeText, in: inTables };
}

function rangeText({ least, most }: { readonly least: number; readonly most: number }): string {
  return `${figureNumber(least)} to ${figureNumber(most)}`;
}

/** Outliers in a cell; JSON has all that the server names. */
const namesShown = 20;

function outliersText(outliers: FigureSummary["outliers"]): string {
  const names = outliers
    .slice(0, namesShown)
    .map(({ name, value, score }) => `${name} ${figureNumber(value)} (${signed(score)})`);
  const more = outliers.length - names.length;
  return [...names, ...(more > 0 ? [`${formatCount(more)} more`] : [])].join(", ");
}

function signed(score: number): string {
  return score > 0 ? `+${score}` : String(score);
}
