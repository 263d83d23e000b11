import type { Command } from "commander";
import type { Actions } from "../act/actions.ts";
import { warn } from "../output/warn.ts";

/** Adds `serve`: runs all servers for a real network. */
export function serveCommand(program: Command, { serve }: Pick<Actions, "serve">): void {
  program
    .command("serve")
    .description("run MDB, Birther, Boot Server and Dominator for the networks of a configuration file")
    .requiredOption("-c, --config <file>", "configuration file; docs/configuration.md describes every key")
    .option("--log-json", "log one JSON object per line", false)
    .option("-v, --verbose", "log every detail", false)
    .action(async (options: { config: string; logJson: boolean; verbose: boolean }) => {
      const { readConfigFile } = await import("./config-file.ts");
      const { config, warnings } = await readConfigFile(options.config);
      for (const warning of warnings) warn(`warning: ${options.config}: ${warning}`);
      await serve({ config, logJson: options.logJson, verbose: options.verbose });
    });
}
