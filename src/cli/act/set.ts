import type { Command } from "commander";
import type { MachineView } from "../../contract/operator/views.ts";
import type { Api } from "../api/api.ts";
import { exitStatus, failure, statusOf } from "../api/failure.ts";
import { changeOptions, print, printLines, type ServerOptions } from "../api/server-options.ts";
import { isData, printData } from "../output/data.ts";
import { confirm } from "./act.ts";
import { listMachines, type SelectionOptions, selectionOptions } from "./selection.ts";

const plainKeys = [
  "groups",
  "requiredImage",
  "plannedImage",
  "forcedImage",
  "disableUpdates",
  "hostname",
  "place",
  "macs",
];
const keys =
  "tag.NAME=VALUE, groups=a,b, requiredImage=…, plannedImage=…, forcedImage=…, disableUpdates=true|false, hostname=…, place=SWITCH:PORT, macs=…";

type SetOptions = ServerOptions & SelectionOptions & { readonly dryRun?: true; readonly yes?: true };

/** Adds `set`: changes the details of machines. */
export function setCommand(program: Command): void {
  const command = program
    .command("set <name-or-key=value...>")
    .usage("[options] [name...] <key=value...>")
    .description(`change details of machines, by names or a selection: ${keys}; KEY= removes a value`)
    .option("--dry-run", "print the machines, and change nothing")
    .option("-y, --yes", "do not ask for confirmation of a selection; required for one without a terminal");
  selectionOptions(command);
  changeOptions(command).action(async (words: string[], options: SetOptions) => {
    const assignments = words.filter((word) => word.includes("="));
    const patch = patchOf(assignments);
    if (assignments.length === 0) throw failure("misused", "expected KEY=VALUE, found none", `keys: ${keys}`);
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const names = words.filter((word) => !word.includes("="));
    const machines = await chosenMachines(api, names, options);
    const shown = machines.map(({ hostname, id }) => hostname ?? id);
    if (options.dryRun === true) {
      if (!(await printData(machines, options))) printLines(shown);
      return;
    }
    if (names.length === 0 && options.yes !== true) await confirm(shown, assignments.join(" "));
    await setEach(api, machines, { patch, assignments, output: options.output });
  });
}

/** The named machines, or the selected ones; none is a mistake, never the whole fleet. */
async function chosenMachines(api: Api, names: readonly string[], selection: SelectionOptions): Promise<MachineView[]> {
  const isSelection = selection.labels !== undefined || selection.where !== undefined;
  if (names.length > 0 === isSelection) {
    const found = isSelection ? "both" : "neither";
    throw failure(
      "misused",
      `expected either names or a selector, found ${found}`,
      "birther set NAME KEY=VALUE, or -l or -w",
    );
  }
  if (!isSelection) return await Promise.all(names.map((name) => api.ask<MachineView>("get", { name })));
  const machines = await listMachines(api, selection);
  if (machines.length === 0) throw failure("failed", "no machine is selected");
  return machines;
}

/** Changes one machine after the other; one that refuses does not stop the others. */
async function setEach(
  api: Api,
  machines: readonly MachineView[],
  { patch, assignments, output }: { patch: object; assignments: readonly string[]; output: ServerOptions["output"] },
): Promise<void> {
  const done: MachineView[] = [];
  const refusals: string[] = [];
  for (const { id, hostname, revision } of machines) {
    try {
      const machine = await api.ask<MachineView>("set", { name: id, body: patch, ifMatch: `"${revision}"` });
      done.push(machine);
      if (!isData({ output })) print(`${machine.hostname ?? machine.id}: ${assignments.join(" ")}`);
    } catch (error) {
      if (machines.length === 1 || statusOf(error) !== exitStatus.failed) throw error;
      refusals.push(`${hostname ?? id}: ${error instanceof Error ? error.message : error}`);
    }
  }
  if (machines.length > 1 || done.length > 0) await printData(machines.length === 1 ? done[0] : done, { output });
  if (refusals.length > 0) throw failure("failed", refusals.join("\n"));
}

/** The merge patch (RFC 7396) of `key=value` arguments; an empty value becomes null. */
export function patchOf(assignments: readonly string[]): { readonly [key: string]: unknown } {
  const patch: { [key: string]: unknown } = {};
  const tags: { [name: string]: string | null } = {};
  for (const assignment of assignments) {
    const [, key = "", value = ""] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    const tag = key.startsWith("tag.");
    if (!tag && !plainKeys.includes(key))
      throw failure("misused", `expected KEY=VALUE with a known key, found ${assignment}`, `keys: ${keys}`);
    if (tag) tags[key.slice(4)] = value === "" ? null : value;
    else patch[key] = value === "" ? null : parsedValue(key, value);
  }
  return Object.keys(tags).length === 0 ? patch : { ...patch, tags };
}

/** A switch port, split at the last colon: colons are rarer in port names than in switch names. */
export function placeOf(text: string): { readonly switchName: string; readonly port: string } {
  const [, switchName, port] = /^(.+):([^:]+)$/.exec(text) ?? [];
  if (switchName === undefined || port === undefined)
    throw failure("misused", `place: expected SWITCH:PORT such as tor-1:swp7, found ${text}`);
  return { switchName, port };
}

/** The value of a key; the server refuses invalid values. */
function parsedValue(key: string, value: string): unknown {
  if (key === "groups" || key === "macs") return value.split(",").map((part) => part.trim());
  if (key === "place") return placeOf(value);
  return key === "disableUpdates" && /^(true|false)$/.test(value) ? value === "true" : value;
}
