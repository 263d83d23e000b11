import type { Command } from "commander";
import type { LessonView } from "../../contract/operator/views.ts";
import type { ServerOptions } from "../api/server-options.ts";
import { formatDuration } from "../output/figures.ts";
import { isoTime, type Listing, listOptions, printList, textColumn } from "../output/listing.ts";
import { chosenRows, type RowOptions, rowOptions } from "../output/row-options.ts";

/** Adds `quirks`: lists the learned way to send each model to its disk. */
export function quirksCommand(program: Command): void {
  const command = program
    .command("quirks")
    .description(
      "list what was learned about firmware: the answer that sends each model to its disk (-o json to export)",
    );
  rowOptions(command, lessonListing, "models");
  listOptions(command, lessonListing).action(async (options: ServerOptions & RowOptions) => {
    const { openApi } = await import("../api/api.ts");
    const { quirks } = await (await openApi(options)).ask<{ quirks: LessonView[] }>("quirks");
    const none = "nothing learned yet: Birther learns when a machine restarts from its disk";
    await printList(lessonListing, { rows: chosenRows(lessonListing, quirks, options), none }, options);
  });
}

/** The columns of `quirks`. */
export const lessonListing: Listing<LessonView> = {
  columns: [
    textColumn("vendor", ({ vendor }) => vendor),
    textColumn("product", ({ product }) => product),
    textColumn("firmware", ({ firmware }) => firmware),
    textColumn("stage", ({ client }) => client),
    textColumn("method", ({ method }) => method),
    {
      name: "learned",
      of: ({ learnedAtMs }, nowMs) => `${formatDuration(Math.max(0, nowMs - learnedAtMs))} ago`,
      value: ({ learnedAtMs }) => isoTime(learnedAtMs),
    },
    textColumn("scores", ({ scores }) =>
      Object.entries(scores)
        .map(([name, score]) => `${name} ${score > 0 ? "+" : ""}${score}`)
        .join(", "),
    ),
  ],
};
