import { readFile } from "node:fs/promises";
import { parseDocument } from "yaml";
import { checkConfig, formatFault } from "../../contract/config/parse.ts";
import type { Config } from "../../contract/config/schema.ts";
import { failure } from "../api/failure.ts";

/** A configuration file, checked; throws with every fault, one a line. Warnings are for the person, too. */
export async function readConfigFile(
  path: string,
): Promise<{ readonly config: Config; readonly warnings: readonly string[] }> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw failure(
      "misused",
      `${path} cannot be read (${cause.code})`,
      "every key is explained in docs/configuration.md",
    );
  });
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  if (document.errors.length > 0) {
    throw failure("misused", document.errors.map(({ message }) => `${path}: ${message.trimEnd()}`).join("\n"));
  }
  const result = checkConfig(document.toJS());
  if (result.kind === "config") return { config: result.config, warnings: result.warnings.map(formatFault) };
  const faults = result.faults.map((fault) => `${path}: ${formatFault(fault)}`);
  throw failure("misused", faults.join("\n"), "every key is explained in docs/configuration.md");
}
