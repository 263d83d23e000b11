import type { Actions } from "../../cli/act/actions.ts";
import { openLog } from "../../log/structured-log.ts";
import { prepareServer } from "./prepare-server.ts";
import { startServer } from "./server.ts";

/** Prepares and serves until SIGINT or SIGTERM, then ends in order: what was counted is written. A second signal ends at once. */
export const serve: Actions["serve"] = async ({ config, logJson, verbose }) => {
  const log = openLog({ json: logJson, least: verbose ? "debug" : "info" });
  const ended = untilSignal(log);
  const prepare = async () => {
    const image = await prepareServer({ stateDirectory: config.stateDirectory, log });
    log("info", "the Bootstrap Image is ready", { kernel: image.kernelVersion, bytes: image.totalBytes });
  };
  await using _server = await startServer({ config, log, prepare });
  log("info", "ready: machines that are switched on are born", { networks: config.networks.map(({ name }) => name) });
  const signal = await ended;
  log("info", "ending", { signal });
};

/** Conventional exit status of a process that a signal ended: 128 and its number; SIGINT is 2. */
const interrupted = 130;

function untilSignal(log: ReturnType<typeof openLog>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) process.exit(interrupted);
      log("info", "a signal came; another one ends at once", { signal });
      resolve(signal);
    });
  }
  return promise;
}
