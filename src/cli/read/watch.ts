import { setTimeout as wait } from "node:timers/promises";
import type { Command } from "commander";
import type { ChangeView } from "../../contract/operator/views.ts";
import type { Api } from "../api/api.ts";
import { exitStatus, failure, statusOf } from "../api/failure.ts";
import { print, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { isData, printNext } from "../output/data.ts";
import { eventCells, eventTitles } from "../output/event-text.ts";
import { warn } from "../output/warn.ts";
import { fitLines, outputWidth } from "../output/wrap.ts";
import type { FeedEvent } from "./feed-events.ts";

/** Column widths; a longer cell shifts only its own line, and what does not fit in the terminal goes on below. */
const widths = [10, 14, 16, 20, 0] as const;
/** Attempts to reach a restarting server; the feed then continues where it was interrupted. */
const attempts = 30;
const attemptMs = 1000;

/** Adds `watch`: prints every change as it happens. */
export function watchCommand(program: Command): void {
  const command = program
    .command("watch")
    .description("print every change of every machine until Ctrl-C; continues after a restart of the server")
    .option("--since <position>", "start at this position of the feed (`position` in -o json)");
  serverOptions(command).action(async (options: ServerOptions & { since?: string }) => {
    const { openApi } = await import("../api/api.ts");
    process.once("SIGINT", () => process.exit(0));
    // A reader that closes the pipe (`| head`) is not an error.
    process.stdout.on("error", () => process.exit(0));
    const api = await openApi(options);
    if (!isData(options)) print(...linesOf(eventTitles()));
    // The first connection fails at once: an absent server is not a restart.
    let position = await followOnce(api, options.since, options);
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      await wait(attemptMs);
      try {
        position = await followOnce(await openApi(options), position, options);
        attempt = -1;
      } catch (error) {
        if (statusOf(error) !== exitStatus.noServer) throw error;
      }
    }
    throw failure(
      "noServer",
      `the server has not answered for ${attempts} s`,
      `to continue later: birther watch --since ${position}`,
    );
  });
}

/** Prints the feed until it ends; returns the position to continue from. */
async function followOnce(api: Api, since: string | undefined, options: ServerOptions): Promise<string | undefined> {
  let position = since;
  for await (const event of api.follow("changes", since)) {
    position = event.id;
    await printEvent(event, options);
  }
  return position;
}

async function printEvent({ event, data }: FeedEvent, options: ServerOptions): Promise<void> {
  if (event === "reset") {
    warn("some changes were missed: the feed no longer holds them; to see the current state: birther machines");
  }
  if (event !== "change") return;
  const change = JSON.parse(data) as ChangeView;
  if (!(await printNext(change, options))) print(...linesOf(eventCells(change)));
}

/** Where the last cell goes on: below itself, or near the margin where the terminal is narrow. */
const [lastIndent, narrowIndent] = [widths.reduce((sum, width) => sum + width + 2, -2), 4];
const narrow = 110;

function linesOf(cells: readonly string[]): string[] {
  const line = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return fitLines([line.trimEnd()], outputWidth() < narrow ? narrowIndent : lastIndent);
}
