import { type Command, Option } from "commander";

/** How a verb prints. */
export type OutputOptions = { readonly output: "table" | "json" };
/** What verbs that look into a state directory can be told. */
export type LocalOptions = OutputOptions & { readonly state?: string };
/** What verbs that ask a server can be told. */
export type ServerOptions = LocalOptions & {
  readonly server?: string;
  readonly ca?: string;
  readonly tokenFile?: string;
};

/** Adds `--state` and `-o`. */
export function localOptions(command: Command): Command {
  return stateOption(command).addOption(
    new Option("-o, --output <format>", "how to print it").choices(["table", "json"]).default("table"),
  );
}

/** Adds `--state`, `-o`, and what a server on another machine needs. */
export function serverOptions(command: Command): Command {
  return remoteOptions(localOptions(command));
}

/** The same without `-o`, for verbs whose output has a format of its own. */
export function placeOptions(command: Command): Command {
  return remoteOptions(stateOption(command));
}

function stateOption(command: Command): Command {
  return command.option(
    "--state <dir>",
    "state directory of the server (default: BIRTHER_STATE, or that of the only one that runs here)",
  );
}

function remoteOptions(command: Command): Command {
  return command
    .option("--server <url>", "https://HOST:PORT of a server on another machine (or BIRTHER_SERVER)")
    .option("--ca <file>", "the authority that its certificate is verified by: its pki/ca.pem (or BIRTHER_CA)")
    .option("--token-file <file>", "holds the token to show it (or BIRTHER_TOKEN holds the token itself)");
}

/** Writes a value as JSON, one document, for programs. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : 0)}\n`);
}

/** Writes lines for people. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}
