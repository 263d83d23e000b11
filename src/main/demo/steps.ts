import type { Log } from "../../core/ports.ts";
import { duration, fit } from "./view.ts";

/** Long work before the rack is there, each piece with a title, how long it takes and what it does just now. */
export type Steps = {
  /** Runs `work`; what it logs is shown while it runs. Throws what `work` throws, after marking the step as failed. */
  readonly step: <T>(title: string, work: (log: Log) => Promise<T>) => Promise<T>;
};

const redrawMs = 200;
/** Without a terminal: a long download must not look like a hang, nor fill the log of a CI run with a line for each file. */
const quietMs = 10_000;
const eraseLine = "\r\x1b[K";

/** Steps on standard error: one line each, the running one redrawn in place on a terminal. */
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
