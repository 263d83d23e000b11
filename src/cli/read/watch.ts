import { setTimeout as wait } from "node:timers/promises";
import type { Command } from "commander";
import type { ChangeView } from "../../contract/operator/views.ts";
import type { Api } from "../api/api.ts";
import { exitStatus, failure, statusOf } from "../api/failure.ts";
import { print, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { eventCells } from "../output/event-text.ts";
import type { FeedEvent } from "./feed-events.ts";

/** Columns of one name, event and phase; what is longer shifts its line only. */
const widths = [8, 14, 16, 20, 0] as const;
/** A server that is restarted is waited for so long; the feed goes on where it was cut off. */
const attempts = 30;
const attemptMs = 1000;

/** Adds `watch`: every change as it happens. */
export function watchCommand(program: Command): void {
  const command = program
    .command("watch")
    .description(
      "every change of every machine as it happens, until Ctrl-C; goes on where it was when a server restarts",
    )
    .option("--since <position>", "also what has changed since that position of the feed (`position` in -o json)");
  serverOptions(command).action(async (options: ServerOptions & { since?: string }) => {
    const { openApi } = await import("../api/api.ts");
    process.once("SIGINT", () => process.exit(0));
    // A reader that has seen enough (`| head`) is no error.
    process.stdout.on("error", () => process.exit(0));
    // The first connection fails at once: what is not there now is no restart.
    let position = await followOnce(await openApi(options), options.since, options);
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      await wait(attemptMs);
      try {
        position = await followOnce(await openApi(options), position, options);
        attempt = -1;
      } catch (error) {
        if (statusOf(error) !== exitStatus.noServer) throw error;
      }
    }
    throw failure("noServer", `the server ended ${attempts} s ago`, `later: birther watch --since ${position}`);
  });
}

/** Prints the feed until it ends; gives the position to go on from. */
async function followOnce(api: Api, since: string | undefined, { output }: ServerOptions): Promise<string | undefined> {
  let position = since;
  try {
    for await (const event of api.follow("changes", since)) {
      position = event.id;
      tell(event, output);
    }
  } catch (error) {
    // A connection that breaks is like one that ends; a refusal is not.
    if (position === since) throw error;
  }
  return position;
}

function tell({ event, data }: FeedEvent, output: ServerOptions["output"]): void {
  if (event === "reset") {
    process.stderr.write("changes were missed: the feed does not reach back so far; birther machines shows what is\n");
  }
  if (event !== "change") return;
  if (output === "json") {
    print(data);
    return;
  }
  const cells = eventCells(JSON.parse(data) as ChangeView);
  print(
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
