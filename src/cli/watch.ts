import type { Command } from "commander";
import type { ChangeView } from "../contract/operator.ts";
import { eventCells } from "./event-text.ts";
import { failure } from "./failure.ts";
import { print, type ServerOptions, serverOptions } from "./server-options.ts";

/** Columns of one name, event and phase; what is longer shifts its line only. */
const widths = [8, 14, 16, 20, 0] as const;

/** Adds `watch`: every change as it happens. */
export function watchCommand(program: Command): void {
  const command = program.command("watch").description("every change of every machine as it happens, until Ctrl-C");
  serverOptions(command).action(async (options: ServerOptions) => {
    const { openApi } = await import("./api.ts");
    const api = await openApi(options);
    process.once("SIGINT", () => process.exit(0));
    // A reader that has seen enough (`| head`) is no error.
    process.stdout.on("error", () => process.exit(0));
    for await (const change of api.follow<ChangeView>("watch")) {
      if (options.output === "json") print(JSON.stringify(change));
      else
        print(
          eventCells(change)
            .map((cell, column) => cell.padEnd(widths[column] ?? 0))
            .join("  ")
            .trimEnd(),
        );
    }
    throw failure("noServer", "the server has ended");
  });
}
