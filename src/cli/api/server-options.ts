import { type Command, Option } from "commander";
import { reasonLimit } from "../../contract/operator/routes/route.ts";
import { plainText } from "../../core/bytes/plain-text.ts";
import { type OutputFormat, valueFormats } from "../output/formats.ts";
import { failure } from "./failure.ts";

/** The output format of a verb. */
export type OutputOptions = { readonly output: OutputFormat };
/** The options of verbs that read a state directory. */
export type LocalOptions = OutputOptions & {
  readonly state?: string;
  /** Why, for the audit: of verbs that change something. */
  readonly reason?: string;
};
/** The options of verbs that call a server. */
export type ServerOptions = LocalOptions & {
  readonly server?: string;
  readonly ca?: string;
  readonly tokenFile?: string;
};

/** Adds `-o` with the formats that a verb has. */
export function outputOption(command: Command, formats: readonly OutputFormat[] = valueFormats): Command {
  return command.addOption(new Option("-o, --output <format>", "output format").choices(formats).default("table"));
}

/** Adds `--state` and `-o`. */
export function localOptions(command: Command, formats?: readonly OutputFormat[]): Command {
  return outputOption(stateOption(command), formats);
}

/** The same for verbs that change the files of a state directory: with `--reason`. */
export function localChangeOptions(command: Command): Command {
  return localOptions(reasonOption(command));
}

/** Adds `--state`, `-o`, and the options for a server on another machine. */
export function serverOptions(command: Command, formats?: readonly OutputFormat[]): Command {
  return remoteOptions(localOptions(command, formats));
}

/** The same options for verbs that change something: with `--reason`. */
export function changeOptions(command: Command): Command {
  const hasOwn = command.options.some(({ long }) => long === "--reason");
  return serverOptions(hasOwn ? command : reasonOption(command));
}

/** Adds `--reason`. */
export function reasonOption(command: Command): Command {
  return command.addOption(
    new Option("--reason <text>", "why; the audit shows it").argParser((text) => {
      const reason = text.trim();
      if (reason !== "" && reason.length <= reasonLimit) return reason;
      throw failure("misused", `--reason: expected 1 to ${reasonLimit} characters, found ${reason.length}`);
    }),
  );
}

/** The same options without `-o`, for verbs with their own output format. */
export function locationOptions(command: Command): Command {
  return remoteOptions(stateOption(command));
}

function stateOption(command: Command): Command {
  return command.option(
    "--state <dir>",
    "state directory of the server (default: BIRTHER_STATE, or the only server that runs here)",
  );
}

function remoteOptions(command: Command): Command {
  return command
    .option("--server <url>", "https://HOST:PORT of a server on another machine (or BIRTHER_SERVER)")
    .option("--ca <file>", "authority of its certificate: its pki/ca.pem (or BIRTHER_CA)")
    .option("--token-file <file>", "file with the token (or BIRTHER_TOKEN with the token itself)");
}

/** Writes lines of text to standard output: each stays one line, and a terminal obeys nothing in it, whatever a machine sent. */
export function print(...lines: readonly string[]): void {
  printLines(lines);
}

/** The same for any number of lines: as arguments, a hundred thousand and more do not fit on the stack. */
export function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${plainText(line)}\n`).join(""));
}
