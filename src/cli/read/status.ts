import { setTimeout as wait } from "node:timers/promises";
import type { Command } from "commander";
import type { StatusView, StreamView } from "../../contract/operator/views.ts";
import { counted, formatCount } from "../../core/bytes/counted.ts";
import { plainText } from "../../core/bytes/plain-text.ts";
import { describeImport } from "../../core/image/import-progress.ts";
import type { Inconsistency } from "../../core/machine/check.ts";
import type { Api } from "../api/api.ts";
import { exitStatus, statusOf } from "../api/failure.ts";
import { print, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { isData, printData, printNext } from "../output/data.ts";
import { formatTimeZone } from "../output/figures.ts";
import { causesText, headText, laggingText, phasesText, serverText, workText } from "../output/summary-text.ts";
import { warn } from "../output/warn.ts";
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
    if (options.watch === true) return await watchStatus(() => openApi(options), options);
    const seen = await readStatus(await openApi(options));
    if (!(await printData(jsonOf(seen), options))) print(...screenText(seen, outputWidth()));
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

/** Shows the screen again and again, and as soon as the terminal has another size; a server that restarts is waited for. */
async function watchStatus(open: () => Promise<Api>, options: ServerOptions): Promise<void> {
  process.once("SIGINT", () => process.exit(exitStatus.done));
  process.stdout.on("error", () => process.exit(exitStatus.done));
  // The first answer decides whether there is a server at all.
  let seen = await readStatus(await open());
  let lost: Lost | undefined;
  const { stdout } = process;
  const paint = () => void stdout.write(paintedScreen(screenText(seen, outputWidth()), { lost, rows: stdout.rows }));
  if (stdout.isTTY && !isData(options)) stdout.on("resize", paint);
  for (;;) {
    if (lost === undefined && (await printNext(jsonOf(seen), options))) await wait(watchMs);
    else {
      if (stdout.isTTY && !isData(options)) paint();
      else if (lost === undefined) print(...screenText(seen, outputWidth()));
      await wait(watchMs);
    }
    try {
      seen = await readStatus(await open());
      lost = undefined;
    } catch (error) {
      if (statusOf(error) === exitStatus.misused) throw error;
      const [why = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
      if (lost === undefined && (!stdout.isTTY || isData(options))) warn(why);
      lost = { sinceMs: lost?.sinceMs ?? Date.now(), why };
    }
  }
}

/** Since when the server gives no answer, and why. */
type Lost = { readonly sinceMs: number; readonly why: string };

/**
 * What paints the lines over those of before, from the top of the terminal: without emptying it first, which would flicker, and
 * with a last line instead of those for which there is no room. If the server is lost, the first line says how old the others are.
 */
export function paintedScreen(
  lines: readonly string[],
  { lost, rows = 24 }: { readonly lost: Lost | undefined; readonly rows: number | undefined },
): string {
  const head =
    lost === undefined
      ? []
      : wrapHanging(`OLD, from before ${formatTimeZone(lost.sinceMs)}: ${lost.why}`, {
          width: outputWidth(),
          indent: 4,
        });
  const all = [...head, ...lines];
  const left = all.length - (rows - 1);
  const shown = left > 0 ? [...all.slice(0, Math.max(0, rows - 2)), `… ${counted(left + 1, "more line")}`] : all;
  return `\u001b[H${shown.map((line) => `${plainText(line)}\u001b[K\r\n`).join("")}\u001b[J`;
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
