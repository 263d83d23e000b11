import type { Command } from "commander";
import type { LessonView } from "../../contract/operator/views.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatDuration } from "../output/figures.ts";
import { formatTable } from "../output/table.ts";

/** Adds `quirks`: lists the learned way to send each model to its disk. */
export function quirksCommand(program: Command): void {
  const command = program
    .command("quirks")
    .description(
      "list what was learned about firmware: the answer that sends each model to its disk (-o json to export)",
    );
  serverOptions(command).action(async (options: ServerOptions) => {
    const { openApi } = await import("../api/api.ts");
    const { quirks } = await (await openApi(options)).ask<{ quirks: LessonView[] }>("quirks");
    if (options.output === "json") printJson(quirks);
    else if (quirks.length > 0) print(...quirksTable(quirks, Date.now()));
    else process.stderr.write("nothing learned yet: Birther learns when a machine restarts from its disk\n");
  });
}

/** The table that `quirks` prints. */
export function quirksTable(quirks: readonly LessonView[], nowMs: number): string[] {
  const titles = ["VENDOR", "PRODUCT", "FIRMWARE", "STAGE", "METHOD", "LEARNED", "SCORES"];
  const rows = quirks.map(({ vendor, product, firmware, client, method, scores, learnedAtMs }) => [
    ...[vendor, product, firmware, client, method],
    `${formatDuration(Math.max(0, nowMs - learnedAtMs))} ago`,
    Object.entries(scores)
      .map(([name, score]) => `${name} ${score > 0 ? "+" : ""}${score}`)
      .join(", "),
  ]);
  return formatTable(titles, rows);
}
