import type { Actions } from "../../cli/act/actions.ts";
import { openLog } from "../../log/structured-log.ts";
import { prepareServer } from "./prepare-server.ts";
import { startServer } from "./server.ts";

/**
 * Prepares and serves until SIGINT or SIGTERM, then shuts down in order and writes pending counters. A second signal
 * ends at once.
 */
export const serve: Actions["serve"] = async ({ config, logJson, verbose }) => {
  const log = openLog({ json: logJson, least: verbose ? "debug" : "info" });
  const ended = untilSignal(log);
  const prepare = async (caPem: string) => {
    const image = await prepareServer({ stateDirectory: config.stateDirectory, log, caPem });
    log("info", "Bootstrap Image ready", { kernel: image.kernelVersion, bytes: image.totalBytes });
  };
  await using _server = await startServer({ config, log, prepare });
  log("info", "ready to install machines that boot from the network", {
    networks: config.networks.map(({ name }) => name),
  });
  const signal = await ended;
  log("info", "ending", { signal });
};

/** Conventional exit status of a process ended by a signal: 128 plus its number; SIGINT is 2. */
const interrupted = 130;

function untilSignal(log: ReturnType<typeof openLog>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let signals = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) process.exit(interrupted);
      log("info", "shutting down; send a second signal to end at once", { signal });
      resolve(signal);
    });
  }
  return promise;
}
