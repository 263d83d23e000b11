import type { Log } from "../../core/ports.ts";
import { duration, fit } from "./view.ts";

/** The long steps before the rack starts, each with a title, its duration and its current activity. */
export type Steps = {
  /** Runs `work` and shows its log messages meanwhile. Rethrows its error after marking the step as failed. */
  readonly step: <T>(title: string, work: (log: Log) => Promise<T>) => Promise<T>;
};

const redrawMs = 200;
/**
 * Interval of progress lines without a terminal: a long download must not look like a hang, nor fill a CI log with a
 * line per file.
 */
const quietMs = 10_000;
const eraseLine = "\r\x1b[K";

/** Prints steps on standard error: one line each; on a terminal the running one is redrawn in place. */
export function openSteps(stream: NodeJS.WriteStream): Steps {
  return {
    step: async (title, work) => {
      const startedMs = performance.now();
      const took = () => (performance.now() - startedMs) / 1000;
      let text = "";
      let saidMs = startedMs;
      const draw = () => {
        stream.write(`${eraseLine}${fit(`· ${title}  ${duration(took())}  ${text}`, stream.columns - 1).trimEnd()}`);
      };
      const timer = stream.isTTY ? setInterval(draw, redrawMs) : undefined;
      if (timer === undefined) stream.write(`${title}…\n`);
      else draw();
      const end = (mark: string) => {
        clearInterval(timer);
        const line = `${mark} ${title}${took() >= 1 ? `  ${duration(took())}` : ""}\n`;
        stream.write(timer === undefined ? line : `${eraseLine}${line}`);
      };
      try {
        const result = await work((level, message) => {
          if (level === "debug" || message === text) return;
          text = message;
          const nowMs = performance.now();
          if (timer !== undefined || (level === "info" && nowMs - saidMs < quietMs)) return;
          saidMs = nowMs;
          stream.write(`    ${message}\n`);
        });
        end("✓");
        return result;
      } catch (cause) {
        end("✗");
        throw cause;
      }
    },
  };
}
