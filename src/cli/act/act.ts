import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import type { BatchAnswer } from "../../contract/operator/answers/batch.ts";
import type { MachineBrief } from "../../contract/operator/views.ts";
import type { OperatorAction } from "../../core/fleet/operator-action.ts";
import { failure } from "../api/failure.ts";
import { changeOptions, printLines, type ServerOptions } from "../api/server-options.ts";
import { printData } from "../output/data.ts";
import { formatTable } from "../output/table.ts";
import { warn } from "../output/warn.ts";
import { type SelectionOptions, selectionOptions } from "./selection.ts";

/** An action as the command line presents it. */
export type Verb = {
  readonly action: OperatorAction;
  /** What the machines lose; if present, the operator must confirm. */
  readonly loses?: string;
  /** The line to print for a machine once the action is done. */
  readonly done: (machine: MachineBrief) => string;
};

/** The options of every verb that acts on machines. */
export type ActOptions = ServerOptions & SelectionOptions & { readonly dryRun?: boolean; readonly yes?: boolean };

/** Adds the options of every verb that acts on one or more machines. */
export function actOptions(command: Command, risk: "loses" | "harmless"): Command {
  selectionOptions(command).option("--dry-run", "print the selected machines and any refusals, and change nothing");
  if (risk === "loses") command.option("-y, --yes", "do not ask for confirmation; required without a terminal");
  return changeOptions(command);
}

/** Performs an action on all named or selected machines; a refusal for one does not stop the others. */
export async function act(names: readonly string[], verb: Verb, options: ActOptions): Promise<void> {
  const selection = selectionOf(names, options);
  const { openApi } = await import("../api/api.ts");
  const api = await openApi(options);
  const batch = (select: object, dryRun: boolean) =>
    api.ask<BatchAnswer>("batch", { body: { ...verb.action, select, dryRun } });
  const foreseen = await batch(selection, true);
  if (options.dryRun === true) return await printForeseen(foreseen, options);
  if (foreseen.problem !== undefined) {
    const { title, detail, next } = foreseen.problem;
    throw failure("failed", `${title}: ${detail}`, next);
  }
  if (verb.loses !== undefined) await consent(foreseen, verb.loses, options.yes === true);
  // By id: the action applies to the machines shown, even if the selector now selects others.
  const { results } = await batch({ names: foreseen.results.map(({ machine }) => machine.id) }, false);
  const done = results.filter(({ outcome }) => outcome === "done").map(({ machine }) => machine as MachineBrief);
  if (!(await printData(done, options))) printLines(done.map(verb.done));
  const refusals = results.flatMap(({ problem }) => problem ?? []);
  if (refusals.length === 0) return;
  throw failure("failed", refusals.map(({ title, detail, next }) => `${title}: ${detail}\n${next}`).join("\n"));
}

/** The selection by `NAME…`, or by `-l` and `-w`; an empty selection never means all machines. */
function selectionOf(names: readonly string[], { labels, where }: SelectionOptions): object {
  const selected = labels !== undefined || where !== undefined;
  if (names.length > 0 !== selected) {
    return selected ? { labels, where } : { names };
  }
  throw failure(
    "misused",
    `expected either names or a selector, found ${selected ? "both" : "neither"}`,
    "name machines (NAME…), or select them with -l tag=value or -w field=value",
  );
}

async function printForeseen(foreseen: BatchAnswer, options: ActOptions): Promise<void> {
  if (await printData(foreseen, options)) return;
  const rows = foreseen.results.map(({ name, outcome, machine, problem, erases = [], leaves = [] }) => [
    name,
    outcome === "done" ? "yes" : "no",
    machine.state,
    problem?.detail ?? ([...erases.map(erasesText), ...leaves].join("; ") || "-"),
  ]);
  printLines(formatTable(["MACHINE", "ACCEPTED", "STATE", "REMARK"], rows));
  if (foreseen.problem !== undefined) {
    const { title, detail, next } = foreseen.problem;
    warn(`every machine would be refused: ${title}: ${detail}\n${next}`);
  }
}

/** Maximum number of names in a confirmation prompt. */
const namesShown = 20;

async function consent({ results }: BatchAnswer, loses: string, given: boolean): Promise<void> {
  const affected = results.filter(({ outcome }) => outcome === "done");
  const erased = affected.flatMap(({ name, erases = [] }) => erases.map((what) => `${name}: ${erasesText(what)}`));
  const left = affected.flatMap(({ name, leaves = [] }) => leaves.map((what) => `${name}: ${what}`));
  for (const line of [...erased, ...left]) warn(line);
  if (given || affected.length === 0) return;
  const what = left.length === 0 ? loses : `${loses}, except what is named above`;
  await confirm(
    affected.map(({ name }) => name),
    what,
  );
}

function erasesText(disk: string): string {
  return `erases ${disk}`;
}

/** Asks at a terminal whether to go on with these machines; throws if the answer is no, or if nobody can be asked. */
export async function confirm(affected: readonly string[], what: string): Promise<void> {
  const rest = affected.length - namesShown;
  const names = [...affected.slice(0, namesShown), ...(rest > 0 ? [`${rest} more (--dry-run lists them)`] : [])].join(
    ", ",
  );
  if (!process.stdin.isTTY)
    throw failure(
      "failed",
      `confirmation required, nothing was changed. ${names}: ${what}`,
      "to confirm, repeat the command with --yes",
    );
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${names}: ${what}. Continue? [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw failure("failed", "nothing was changed");
}

/** The name to show for a machine: its hostname, else its id. */
export function briefName({ hostname, id }: Pick<MachineBrief, "hostname" | "id">): string {
  return hostname ?? id;
}
