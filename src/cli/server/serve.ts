import type { Command } from "commander";
import type { Actions } from "../act/actions.ts";

/** Adds `serve`: everything, for a real network. */
export function serveCommand(program: Command, { serve }: Pick<Actions, "serve">): void {
  program
    .command("serve")
    .description("serve the networks of a configuration file: MDB, Birther, Boot Server and Dominator in one process")
    .requiredOption("-c, --config <file>", "the configuration; every key is explained in docs/configuration.md")
    .option("--log-json", "log one JSON object a line", false)
    .option("-v, --verbose", "log every detail", false)
    .action(async (options: { config: string; logJson: boolean; verbose: boolean }) => {
      const { readConfigFile } = await import("./config-file.ts");
      const { config, warnings } = await readConfigFile(options.config);
      for (const warning of warnings) process.stderr.write(`warning: ${options.config}: ${warning}\n`);
      await serve({ config, logJson: options.logJson, verbose: options.verbose });
    });
}
