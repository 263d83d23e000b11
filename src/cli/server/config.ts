import type { Command } from "commander";
import { print } from "../api/server-options.ts";
import { warn } from "../output/warn.ts";

/** Adds `config check`, `config docs`, `config life` and `config openapi`. */
export function configCommand(program: Command): void {
  const config = program.command("config").description("check a configuration file; print generated documentation");
  config
    .command("check <file>")
    .description("check a configuration file and print all faults")
    .action(async (file: string) => {
      const { readConfigFile } = await import("./config-file.ts");
      const { warnings } = await readConfigFile(file);
      for (const warning of warnings) warn(`warning: ${file}: ${warning}`);
      print(`${file}: no faults`);
    });
  config
    .command("docs")
    .description("print docs/configuration.md, generated from the schema")
    .action(async () => {
      const { configDocs } = await import("../../contract/config/docs.ts");
      process.stdout.write(configDocs());
    });
  config
    .command("life")
    .description("print docs/machine-life.md, generated from the state × event table")
    .action(async () => {
      const { lifeDocs } = await import("../../core/machine/life/docs.ts");
      process.stdout.write(lifeDocs());
    });
  config
    .command("openapi")
    .description("print docs/openapi.json (the operators' API), generated from the table of routes")
    .action(async () => {
      const { openApiDocument } = await import("../../contract/operator/openapi.ts");
      process.stdout.write(`${JSON.stringify(openApiDocument(program.version() ?? ""), undefined, 2)}\n`);
    });
}
