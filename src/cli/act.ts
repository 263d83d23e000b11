import { createInterface } from "node:readline/promises";
import type { MachineView } from "../contract/operator.ts";
import type { OperatorRoute } from "../contract/operator-routes.ts";
import type { Api } from "./api.ts";
import { failure } from "./failure.ts";
import { print, printJson, type ServerOptions } from "./server-options.ts";

/** What is to be done to which machines. */
export type Deed = {
  readonly route: Extract<OperatorRoute, "rebirth" | "clean" | "cancel" | "hold" | "release">;
  readonly names: readonly string[];
  /** What the machines lose, if they do; then a person at a terminal is asked first. */
  readonly loses?: string;
  /** What of a machine's old data it does not take away, one clause each; then somebody must have said that this is known. */
  readonly leaves?: (machine: MachineView) => readonly string[];
  readonly body?: object;
  /** What to say of a machine when it is done. */
  readonly done: (machine: MachineView) => string;
};

/** Does it to each machine; goes on after a refusal, so that one machine on hold does not keep the others waiting. */
export async function act(deed: Deed, options: ServerOptions & { readonly yes?: boolean }): Promise<void> {
  const { openApi } = await import("./api.ts");
  const api = await openApi(options);
  // All names are looked up first: a slip of the finger in the last one must not leave half of it done.
  const machines = await Promise.all(deed.names.map((name) => api.ask<MachineView>("get", { name })));
  const left = machines.flatMap((machine) =>
    (deed.leaves?.(machine) ?? []).map((what) => `${nameOf(machine)}: ${what}`),
  );
  for (const line of left) process.stderr.write(`${line}\n`);
  if (deed.loses !== undefined && options.yes !== true) {
    if (process.stdin.isTTY)
      await confirm(machines, left.length === 0 ? deed.loses : `${deed.loses}, but for the above`);
    else if (left.length > 0)
      throw failure("failed", "nothing was done: not all data would be erased; --yes does it all the same");
  }
  const { done, refusals } = await actOnEach(api, deed, machines);
  if (options.output === "json") printJson(done);
  else print(...done.map(deed.done));
  if (refusals.length > 0) throw failure("failed", refusals.join("\n"));
}

async function actOnEach(api: Api, deed: Deed, machines: readonly MachineView[]) {
  const done: MachineView[] = [];
  const refusals: string[] = [];
  for (const { id } of machines) {
    try {
      done.push(await api.ask<MachineView>(deed.route, { name: id, body: deed.body ?? {} }));
    } catch (error) {
      refusals.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { done, refusals };
}

async function confirm(machines: readonly MachineView[], loses: string): Promise<void> {
  const names = machines.map(nameOf);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${names.join(", ")}: ${loses}. Go on? [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw failure("failed", "nothing was done");
}

function nameOf(machine: MachineView): string {
  return machine.hostname ?? machine.id;
}
