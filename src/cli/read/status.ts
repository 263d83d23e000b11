import { setTimeout as wait } from "node:timers/promises";
import type { Command } from "commander";
import type { StatusView, StreamView } from "../../contract/operator/views.ts";
import { formatCount } from "../../core/bytes/counted.ts";
import { describeImport } from "../../core/image/import-progress.ts";
import type { Inconsistency } from "../../core/machine/check.ts";
import type { Api } from "../api/api.ts";
import { exitStatus, statusOf } from "../api/failure.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { causesText, headText, laggingText, phasesText, serverText, workText } from "../output/summary-text.ts";
import { outputWidth, wrapHanging } from "../output/wrap.ts";
import { completeSummary, type SentSummary, untoldText } from "./older-server.ts";

/** How often `--watch` asks again. */
const watchMs = 2000;

/** Adds `status`: what to look at first on a bad night. */
export function statusCommand(program: Command): void {
  const command = program
    .command("status")
    .description(
      "the fleet at a glance: phases, failures by cause, lagging racks, time of arrival, pools, server faults; " +
        "exit status 0 if all is well, 4 if machines fail, 1 if the server has a fault or records are inconsistent",
    )
    .option("--watch", "show it anew every two seconds until Ctrl-C");
  serverOptions(command).action(async (options: ServerOptions & { watch?: true }) => {
    const { openApi } = await import("../api/api.ts");
    if (options.watch === true) return await watchStatus(() => openApi(options));
    const seen = await readStatus(await openApi(options));
    if (options.output === "json") printJson(jsonOf(seen));
    else print(...screenText(seen, outputWidth()));
    process.exitCode = healthOf(seen);
  });
}

/** What the screen shows. */
export type StatusSeen = {
  /** As the server sent it; an older one leaves out what it does not know. */
  readonly summary: SentSummary;
  readonly inconsistencies: readonly Inconsistency[];
  readonly streams: readonly StreamView[];
  readonly status: StatusView;
};

async function readStatus(api: Api): Promise<StatusSeen> {
  const [summary, { inconsistencies }, { streams }, status] = await Promise.all([
    api.ask<SentSummary>("summary"),
    api.ask<{ inconsistencies: Inconsistency[] }>("check"),
    api.ask<{ streams: StreamView[] }>("streams"),
    api.ask<StatusView>("status"),
  ]);
  return { summary, inconsistencies, streams, status };
}

function jsonOf({ status, summary, inconsistencies, streams }: StatusSeen): object {
  return { ...status, summary, inconsistencies, streams };
}

/** The exit status: the server's faults first, because without it nothing gets better. */
export function healthOf({ summary, inconsistencies }: Pick<StatusSeen, "summary" | "inconsistencies">): number {
  if (inconsistencies.length > 0 || summary.server.faults.length > 0) return exitStatus.failed;
  return summary.causes.length > 0 ? exitStatus.unhealthy : exitStatus.done;
}

/** The screen. */
export function screenText(
  { summary: sent, inconsistencies, streams }: Omit<StatusSeen, "status">,
  width: number,
): string[] {
  const { summary, untold } = completeSummary(sent);
  const { phases, causes, racks, nowMs, server } = summary;
  const messages = inconsistencies.map(({ message }) => `inconsistent: ${message}`);
  const last = [
    ...(messages.length === 0 ? ["no inconsistencies"] : messages),
    ...streams.flatMap(promotionText),
    ...untoldText(server.version, untold),
  ];
  return [
    ...headText(summary, width),
    ...phasesText(phases, width),
    ...workText(summary.work, width),
    ...summary.imports.map((one) => `  ${describeImport(one)}`),
    ...causesText(causes, { width, nowMs }),
    ...laggingText(racks, width),
    ...serverText(summary, width),
    ...last.flatMap((line) => wrapHanging(line, { width, indent: 4 })),
  ];
}

/** Shows the screen again and again; a server that restarts is waited for. */
async function watchStatus(open: () => Promise<Api>): Promise<void> {
  process.once("SIGINT", () => process.exit(exitStatus.done));
  process.stdout.on("error", () => process.exit(exitStatus.done));
  // The first answer decides whether there is a server at all.
  let seen = await readStatus(await open());
  for (;;) {
    if (process.stdout.isTTY) process.stdout.write("\u001b[H\u001b[2J\u001b[3J");
    print(...screenText(seen, outputWidth()).slice(0, process.stdout.rows ?? Number.POSITIVE_INFINITY));
    await wait(watchMs);
    for (;;) {
      try {
        seen = await readStatus(await open());
        break;
      } catch (error) {
        if (statusOf(error) === exitStatus.misused) throw error;
        process.stderr.write("the server does not answer: what is shown is old\n");
        await wait(watchMs);
      }
    }
  }
}

/** What `status` prints about a stream whose version is changing. */
export function promotionText({ stream, current, machines, onCurrent, moving, promotion }: StreamView): string[] {
  if (promotion !== undefined) {
    const { image, canary, progress } = promotion;
    return [`${stream}: ${image} on ${canary} ${progress.kind}: ${progress.reason}; the others stay on ${current}`];
  }
  return moving === true || onCurrent < machines
    ? [`${stream}: ${formatCount(onCurrent)} of ${formatCount(machines)} machines run the current version ${current}`]
    : [];
}
