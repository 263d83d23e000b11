import { once } from "node:events";
import { existsSync } from "node:fs";
import type { BootstrapImage } from "../../bootstrap-image/build.ts";
import type { Actions } from "../../cli/act/actions.ts";
import { exitStatus } from "../../cli/api/failure.ts";
import { openLog } from "../../log/structured-log.ts";
import { pathsIn } from "../paths.ts";
import { prepareServer } from "./prepare-server.ts";
import { startServer } from "./server.ts";

/**
 * Prepares and serves until SIGINT or SIGTERM, then shuts down in order and writes pending counters. A second signal
 * ends at once.
 */
export const serve: Actions["serve"] = async ({ config, logJson, verbose }) => {
  const log = openLog({ json: logJson, least: verbose ? "debug" : "info" });
  const stop = stopSignal(log);
  const { suite, profile, firmware } = config.bootstrapImage;
  const prepare = async (caPem: string) => {
    const image = await prepareServer({
      stateDirectory: config.stateDirectory,
      ...(suite === undefined ? {} : { suite }),
      ...(profile === undefined ? {} : { profile }),
      ...{ firmware, log, caPem },
    });
    log("info", "Bootstrap Image ready", readyFacts(image));
    // Those of other architectures that were built here trust the same authorities.
    for (const { architecture, kernel } of pathsIn(config.stateDirectory).others)
      if (existsSync(kernel)) {
        const other = await prepareServer({ stateDirectory: config.stateDirectory, architecture, log, caPem });
        log("info", "Bootstrap Image ready", readyFacts(other));
      }
  };
  let isReady = false;
  try {
    await using _server = await startServer({ config, log, prepare });
    isReady = true;
    log("info", "ready to install machines that boot from the network", {
      networks: config.networks.map(({ name }) => name),
    });
    if (!stop.aborted) await once(stop, "abort");
    log("info", "ending", { signal: stop.reason });
  } catch (error) {
    // The programs of a build received the same Ctrl-C, so their failure needs no report.
    if (isReady || !stop.aborted) throw error;
    log("info", "ended before the server was ready; the next start continues", { signal: stop.reason });
    process.exitCode = exitStatus.interrupted;
  }
};

function readyFacts({ suite, architecture, profile, kernelVersion, totalBytes, firmware }: BootstrapImage) {
  const second = firmware && { firmware: firmware.families.join(" "), firmwareBytes: firmware.bytes };
  return { suite, architecture, profile, kernel: kernelVersion, bytes: totalBytes, ...second };
}

/** Aborted by the first SIGINT or SIGTERM, with its name as the reason; a second one ends the process. */
function stopSignal(log: ReturnType<typeof openLog>): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(exitStatus.interrupted);
      log("info", "shutting down; send a second signal to end at once", { signal });
      stop.abort(signal);
    });
  }
  return stop.signal;
}
