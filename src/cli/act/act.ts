import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import type { BatchAnswer } from "../../contract/operator/answers.ts";
import type { MachineBrief } from "../../contract/operator/views.ts";
import type { OperatorAction } from "../../core/fleet/operator-action.ts";
import { failure } from "../api/failure.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatTable } from "../output/table.ts";
import { type SelectionOptions, selectionOptions } from "./selection.ts";

/** An action in the words of the command line. */
export type Verb = {
  readonly action: OperatorAction;
  /** What the machines lose, if they do; then somebody must have said that this is known. */
  readonly loses?: string;
  /** What to say of a machine when it is done. */
  readonly done: (machine: MachineBrief) => string;
};

export type ActOptions = ServerOptions & SelectionOptions & { readonly dryRun?: boolean; readonly yes?: boolean };

/** Adds what every verb has that does something to one machine or many. */
export function actOptions(command: Command, risk: "loses" | "harmless"): Command {
  selectionOptions(command).option("--dry-run", "only say which machines it would be, and which would refuse");
  if (risk === "loses") command.option("-y, --yes", "do not ask; needed where nobody is at a terminal");
  return serverOptions(command);
}

/** Does it to all machines that are named or selected; one that refuses keeps no other waiting. */
export async function act(names: readonly string[], verb: Verb, options: ActOptions): Promise<void> {
  const { openApi } = await import("../api/api.ts");
  const api = await openApi(options);
  const batch = (select: object, dryRun: boolean) =>
    api.ask<BatchAnswer>("batch", { body: { ...verb.action, select, dryRun } });
  const foreseen = await batch(selectionOf(names, options), true);
  if (options.dryRun === true) return printForeseen(foreseen, options);
  if (foreseen.problem !== undefined) {
    const { title, detail, next } = foreseen.problem;
    throw failure("failed", `${title}: ${detail}`, next);
  }
  if (verb.loses !== undefined) await consent(foreseen, verb.loses, options.yes === true);
  // By their ids: what is done is what was shown, whatever a selector would select by now.
  const { results } = await batch({ names: foreseen.results.map(({ machine }) => machine.id) }, false);
  const done = results.filter(({ outcome }) => outcome === "done").map(({ machine }) => machine as MachineBrief);
  if (options.output === "json") printJson(done);
  else print(...done.map(verb.done));
  const refusals = results.flatMap(({ problem }) => problem ?? []);
  if (refusals.length === 0) return;
  throw failure("failed", refusals.map(({ title, detail, next }) => `${title}: ${detail}\n${next}`).join("\n"));
}

/** `NAME…`, or `-l` and `-w`; never all of them by saying nothing. */
function selectionOf(names: readonly string[], { labels, where }: SelectionOptions): object {
  const selected = labels !== undefined || where !== undefined;
  if (names.length > 0 !== selected) {
    return selected ? { labels, where } : { names };
  }
  throw failure(
    "misused",
    selected ? "names and a selector: which of them?" : "no machine is named or selected",
    "NAME…, or -l tag=value, or -w field=value",
  );
}

function printForeseen(foreseen: BatchAnswer, { output }: ActOptions): void {
  if (output === "json") {
    printJson(foreseen);
    return;
  }
  const rows = foreseen.results.map(({ name, outcome, machine, problem, leaves = [] }) => [
    name,
    outcome === "done" ? "yes" : "no",
    machine.state,
    problem?.detail ?? (leaves.join("; ") || "-"),
  ]);
  print(...formatTable(["MACHINE", "WOULD", "STATE", "REMARK"], rows));
  if (foreseen.problem !== undefined) {
    const { title, detail, next } = foreseen.problem;
    process.stderr.write(`all would be refused: ${title}: ${detail}\n${next}\n`);
  }
}

/** So many are named in a question; a person reads no more. */
const namesShown = 20;

async function consent({ results }: BatchAnswer, loses: string, given: boolean): Promise<void> {
  const concerned = results.filter(({ outcome }) => outcome === "done");
  const left = concerned.flatMap(({ name, leaves = [] }) => leaves.map((what) => `${name}: ${what}`));
  for (const line of left) process.stderr.write(`${line}\n`);
  if (given || concerned.length === 0) return;
  const rest = concerned.length - namesShown;
  const first = concerned.slice(0, namesShown).map(({ name }) => name);
  const names = [...first, ...(rest > 0 ? [`${rest} more (--dry-run lists them)`] : [])].join(", ");
  const what = left.length === 0 ? loses : `${loses}, but for the above`;
  if (!process.stdin.isTTY)
    throw failure("failed", `nothing was done. ${names}: ${what}`, "--yes says that this is known");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${names}: ${what}. Go on? [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw failure("failed", "nothing was done");
}

/** How a person knows a machine. */
export function briefName({ hostname, id }: Pick<MachineBrief, "hostname" | "id">): string {
  return hostname ?? id;
}
