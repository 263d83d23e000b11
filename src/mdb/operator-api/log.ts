import type { LogView } from "../../contract/operator/views.ts";
import { bootNumbered, bootsOf, type LogBoot, type LogLine, linesByTime } from "../../core/machine/log-line.ts";
import { readUnverified, withoutRepeats } from "../../core/machine/unverified-line.ts";
import { jsonList } from "../http/json-list.ts";
import { faultAnswer } from "../http/problem.ts";
import { type Handler, withMachine } from "./handler.ts";

/** Answers the log lines of a machine: of one boot or of all, from a time on or after a line. */
export const logHandler: Handler<"log"> = (request) =>
  withMachine(request, async ({ id }) => {
    const { c, deps, query } = request;
    const { boot, sinceMs = 0, afterMs = -1 } = query;
    const [own, others] = await Promise.all([deps.store.readLog(id), deps.otherLogs?.(id)]);
    const boots = bootsOf(withoutRepeats(linesByTime(own, others?.lines ?? [])));
    const chosen = boot === undefined ? boots : [bootNumbered(boots, boot)].filter((one) => one !== undefined);
    if (boot !== undefined && chosen.length === 0 && boots.length > 0) {
      const detail = `boot: expected a number from ${1 - boots.length} to ${boots.length}, found ${boot}`;
      return faultAnswer(c, "wrongQuery", detail, "0 is the latest boot, 1 the oldest of which lines are kept");
    }
    const isWanted = ({ atMs }: { readonly atMs: number }) => atMs >= sinceMs && atMs > afterMs;
    const first = chosen.find(({ lines }) => lines.some(isWanted));
    const lines = chosen.flatMap((one) => one.lines.filter(isWanted)).map(withMark);
    return jsonList<LogView, "lines">(c, {
      ...{ name: "lines", items: lines },
      rest: {
        boots: boots.length,
        ...(others === undefined || others.unreached.length === 0 ? {} : { unreached: others.unreached }),
        ...(first === undefined ? {} : { boot: boots.indexOf(first as LogBoot) + 1 }),
      },
    });
  });

/** A program need not read the mark in the text. */
function withMark(line: LogLine): LogLine {
  const unverified = readUnverified(line.text);
  return unverified === undefined ? line : { ...line, unverified: unverified.sequence };
}
