import { mkdir } from "node:fs/promises";
import type { Config } from "../../contract/config/schema.ts";
import { othersUpdate } from "../../contract/config/updates.ts";
import type { Clock, Log } from "../../core/ports.ts";
import { logFiles } from "../../mdb/logs/log-files.ts";
import { openLogThread } from "../../mdb/logs/log-thread.ts";
import { openStore } from "../../mdb/open-store.ts";
import { lockState } from "../../mdb/sqlite/state-lock.ts";
import { guardFleet } from "../../mdb/store/fleet-mark.ts";
import { openTrust, type Trust } from "../../mdb/tls/authority.ts";
import { pathsIn } from "../paths.ts";

/** A state directory that belongs to this process, and its MDB. */
export type ServerState = AsyncDisposable & {
  readonly store: Awaited<ReturnType<typeof openStore>>;
  readonly trust: Trust;
};

/**
 * Takes a state directory for this process before any file in it is touched, opens the MDB and makes sure that fleet and
 * certificate authority belong together. Throws, with nothing left open, where another server has the directory.
 */
export async function openState({
  config,
  clock,
  log,
}: {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<ServerState> {
  const paths = pathsIn(config.stateDirectory);
  await mkdir(config.stateDirectory, { recursive: true, mode: 0o700 });
  await using opened = new AsyncDisposableStack();
  opened.use(lockState(paths.lock));
  const files = opened.use(openLogs(config, log));
  const store = opened.use(
    await openStore({
      ...{ path: config.database ?? paths.database, clock, log, logFiles: files },
      othersUpdate: othersUpdate(config),
    }),
  );
  const database = config.database === undefined ? paths.database : "the configured PostgreSQL database";
  guardFleet({ store, mark: paths.fleetMark, database });
  const trust = await openTrust({ store, directory: paths.pki, clock, log });
  const kept = opened.move();
  return { store, trust, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The log lines of machines on disk, written by a thread of their own. */
function openLogs({ stateDirectory, machineLogs: { perMachineKiB, totalMiB } }: Config, log: Log) {
  const limits = { perMachine: perMachineKiB << 10, total: totalMiB * 2 ** 20 };
  const thread = openLogThread({ directory: pathsIn(stateDirectory).logs, limits });
  return logFiles({ ask: thread.ask, log, close: async () => await thread[Symbol.asyncDispose]() });
}
