import { type Command, Option } from "commander";

/** What every verb that asks a server, or looks into its state, can be told. */
export type ServerOptions = { readonly state?: string; readonly output: "table" | "json" };

/** Adds `--state` and `-o`. */
export function serverOptions(command: Command): Command {
  return command
    .option(
      "--state <dir>",
      "state directory of the server (default: BIRTHER_STATE, or that of the only one that runs here)",
    )
    .addOption(new Option("-o, --output <format>", "how to print it").choices(["table", "json"]).default("table"));
}

/** Writes a value as JSON, one document, for programs. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : 0)}\n`);
}

/** Writes lines for people. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}
