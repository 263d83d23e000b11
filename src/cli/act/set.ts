import type { Command } from "commander";
import type { MachineView } from "../../contract/operator/views.ts";
import { failure } from "../api/failure.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";

const plainKeys = ["groups", "requiredImage", "plannedImage", "forcedImage", "disableUpdates", "hostname", "macs"];
const keys =
  "tag.NAME=VALUE, groups=a,b, requiredImage=…, plannedImage=…, forcedImage=…, disableUpdates=true|false, hostname=…, macs=…";

/** Adds `set`: changes the details of a machine. */
export function setCommand(program: Command): void {
  const command = program
    .command("set <name> <key=value...>")
    .description(`change details of a machine: ${keys}; KEY= removes a value`);
  serverOptions(command).action(async (name: string, assignments: string[], options: ServerOptions) => {
    const patch = patchOf(assignments);
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const before = await api.ask<MachineView>("get", { name });
    const ifMatch = `"${before.revision}"`;
    const machine = await api.ask<MachineView>("set", { name: before.id, body: patch, ifMatch });
    if (options.output === "json") printJson(machine);
    else print(`${machine.hostname ?? machine.id}: ${assignments.join(" ")}`);
  });
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

/** The value of a key; the server refuses invalid values. */
function parsedValue(key: string, value: string): unknown {
  if (key === "groups" || key === "macs") return value.split(",").map((part) => part.trim());
  return key === "disableUpdates" && /^(true|false)$/.test(value) ? value === "true" : value;
}
