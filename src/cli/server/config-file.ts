import { readFile } from "node:fs/promises";
import { parseDocument } from "yaml";
import { checkConfig, formatFault } from "../../contract/config/parse.ts";
import type { Config } from "../../contract/config/schema.ts";
import { failure } from "../api/failure.ts";

/** Reads and checks a configuration file; throws with all faults, one per line; `planApart` leaves out those of the plan of the site. The warnings are for the operator. */
export async function readConfigFile(
  path: string,
  how: { readonly planApart?: boolean } = {},
): Promise<{ readonly config: Config; readonly warnings: readonly string[] }> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT")
      throw failure("misused", `${path}: expected a configuration file, found none`, "README.md shows a first one");
    throw failure("misused", `cannot read ${path} (${cause.code})`, "check the path and its permissions");
  });
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  if (document.errors.length > 0) {
    const faults = document.errors.map(({ message }) => `${path}: expected YAML, found: ${message.trimEnd()}`);
    throw failure("misused", faults.join("\n"), "README.md shows a valid file");
  }
  const result = checkConfig(document.toJS(), how);
  if (result.kind === "config") return { config: result.config, warnings: result.warnings.map(formatFault) };
  const faults = result.faults.map((fault) => `${path}: ${formatFault(fault)}`);
  throw failure("misused", faults.join("\n"), "docs/configuration.md describes every key");
}
