import { setTimeout as wait } from "node:timers/promises";
import type { Command } from "commander";
import type { LogView } from "../../contract/operator/views.ts";
import { plainText } from "../../core/bytes/plain-text.ts";
import { bootsOf, type LogLine } from "../../core/machine/log-line.ts";
import { readUnverified, sameLineKey } from "../../core/machine/unverified-line.ts";
import type { Api } from "../api/api.ts";
import { exitStatus, failure, statusOf } from "../api/failure.ts";
import { print, type ServerOptions } from "../api/server-options.ts";
import { isData, printNext } from "../output/data.ts";
import { formatDateTime, formatTime, zoneAt } from "../output/figures.ts";
import { limitOption } from "../output/limit.ts";
import { csvOf, type Listing, listOptions, printList, textColumn, timeColumn } from "../output/listing.ts";
import { sinceOption } from "../output/since.ts";
import { warn } from "../output/warn.ts";
import { fitLines } from "../output/wrap.ts";

type LogOptions = ServerOptions & {
  readonly follow?: true;
  readonly since?: number;
  readonly boot?: string;
  readonly limit?: number;
};

/** How often `--follow` asks for new lines. */
const followMs = 1000;

/** Adds `log`: prints the log lines of a machine. */
export function logCommand(program: Command): void {
  const command = program
    .command("log <name>")
    .description("print what a machine's init and agent logged, over all its boots, and the refusals it got")
    .option("-f, --follow", "go on with each new line until Ctrl-C")
    .addOption(sinceOption("only lines from this time on: 15m, 1h, 2d, or 2026-03-01T08:00"))
    .addOption(limitOption("lines", "only the newest lines, at most this number"))
    .option("--boot <number>", "only one boot: 0 is the latest, -1 the one before it, 1 the oldest that is kept");
  listOptions(command, logListing).action(async (name: string, options: LogOptions) => {
    if (options.boot !== undefined && !/^-?\d{1,4}$/.test(options.boot))
      throw failure("misused", `--boot: expected a number such as 0, -1 or 1, found ${options.boot}`);
    const { openApi } = await import("../api/api.ts");
    const query = {
      ...(options.since === undefined ? {} : { sinceMs: String(options.since) }),
      ...(options.boot === undefined ? {} : { boot: options.boot }),
    };
    const kept = await (await openApi(options)).ask<LogView>("log", { name, query });
    const first = options.limit === undefined ? kept : newestOf(kept, options.limit);
    const text = () => fitLines(logText(first), logIndent);
    const none = `no lines of ${plainText(name)} are kept`;
    await printList(logListing, { rows: first.lines, text, none }, options);
    for (const server of first.unreached ?? [])
      warn(`server ${server} did not answer: lines of ${name} that it keeps are missing`);
    if (options.follow === true) await follow(() => openApi(options), { name, first, options });
  });
}

/** The columns of `log`; people get text, in which a boot has a line of its own. */
export const logListing: Listing<LogLine> = {
  columns: [
    timeColumn("time", ({ atMs }) => atMs),
    textColumn("boot", ({ boot }) => boot),
    textColumn("text", ({ text }) => text),
  ],
};

/** The newest lines of a log, at most this number: it then begins with the boot that the first of them is of. */
export function newestOf(view: LogView, most: number): LogView {
  const { lines, boot = 1 } = view;
  const first = Math.max(0, lines.length - most);
  const begun = bootsOf(lines.slice(0, first + 1)).length;
  return { ...view, lines: lines.slice(first), boot: boot + Math.max(0, begun - 1) };
}

/** Where lines that are longer than the terminal go on: below the text, after the time. */
const logIndent = 9;

/** Lines with their times; where a boot or another day begins, a line that says so. */
export function logText({ lines, boot = 1, boots }: LogView, before?: LogLine): string[] {
  let last = before;
  let number = boot;
  return lines.flatMap((line, at) => {
    const isNewBoot = line.boot !== undefined && line.boot !== last?.boot;
    if (isNewBoot && at > 0) number += 1;
    const isNewDay = last !== undefined && dayOf(last.atMs) !== dayOf(line.atMs);
    const head =
      last === undefined || isNewBoot
        ? [`-- boot ${Math.min(number, boots)} of ${boots}, ${dateAndZone(line.atMs)} --`]
        : isNewDay
          ? [`-- ${dayOf(line.atMs)} --`]
          : [];
    last = line.boot === undefined && last !== undefined ? { ...line, ...(last.boot && { boot: last.boot }) } : line;
    return [...head, `${formatTime(line.atMs, line.atMs)} ${line.text}`];
  });
}

function dayOf(atMs: number): string {
  return formatDateTime(atMs).slice(0, 10);
}

function dateAndZone(atMs: number): string {
  return `${formatDateTime(atMs)} ${zoneAt(atMs)}`;
}

/** Asks for what came after the last line, again and again; a server that restarts is waited for. */
async function follow(
  open: () => Promise<Api>,
  { name, first, options }: { readonly name: string; readonly first: LogView; readonly options: LogOptions },
): Promise<void> {
  process.once("SIGINT", () => process.exit(exitStatus.done));
  process.stdout.on("error", () => process.exit(exitStatus.done));
  let last = first.lines.at(-1);
  const unverified = unverifiedLines(first.lines);
  let isLost = false;
  for (;;) {
    await wait(followMs);
    try {
      const query = last === undefined ? {} : { afterMs: String(last.atMs) };
      const more = await (await open()).ask<LogView>("log", { name, query });
      if (isData(options)) for (const line of more.lines) await printNext(line, options);
      else if (options.output === "csv") process.stdout.write(csvOf(logListing, more.lines, "no header"));
      else {
        const lines = logText({ ...more, lines: unverified.confirm(more.lines) }, last);
        print(...fitLines(lines, logIndent), ...unverified.takeNote());
      }
      last = more.lines.at(-1) ?? last;
      isLost = false;
    } catch (error) {
      if (statusOf(error) === exitStatus.misused) throw error;
      const [why = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
      if (!isLost) warn(`no lines for now: ${why}`);
      isLost = true;
      await wait(5 * followMs);
    }
  }
}

/** Lines that are on the screen as unverified, and not verified yet. */
export type UnverifiedLines = {
  /** Leaves out the verified lines that say what is on the screen already. */
  readonly confirm: (lines: readonly LogLine[]) => readonly LogLine[];
  /** What the latest of them say of the lines above, as a line of its own. */
  readonly takeNote: () => readonly string[];
};

/** More than a boot sends; of more, the oldest are forgotten, and shown again when they come by TLS. */
const mostUnverified = 5000;

/** Starts with the lines on the screen. */
export function unverifiedLines(shown: readonly LogLine[]): UnverifiedLines {
  const waiting = new Map<string, number>();
  let confirmed = 0;
  function confirm(lines: readonly LogLine[]): readonly LogLine[] {
    return lines.filter((line) => {
      const read = readUnverified(line.text);
      const key = sameLineKey(line, read?.text ?? line.text);
      const count = waiting.get(key) ?? 0;
      waiting.delete(key);
      if (read !== undefined) {
        waiting.set(key, count + 1);
        for (const oldest of waiting.keys()) {
          if (waiting.size <= mostUnverified) break;
          waiting.delete(oldest);
        }
        return true;
      }
      if (count > 1) waiting.set(key, count - 1);
      if (count > 0) confirmed += 1;
      return count === 0;
    });
  }
  confirm(shown);
  confirmed = 0;
  return {
    confirm,
    takeNote: () => {
      const note = confirmed === 0 ? [] : [`-- ${confirmed} unverified lines above came again by TLS: verified --`];
      confirmed = 0;
      return note;
    },
  };
}
